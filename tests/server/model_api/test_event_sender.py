"""A stream that is silent for long says so, before its first event and between two (AI gateway contract: 15 s of silence)."""

from starlette.types import Message

from server.model_api.event_sender import EventSender
from tests.waiting import until

PING = b": keep-alive\n\n"


class Sent:
    """What went out."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]


async def test_silence_before_the_first_event_sends_the_head_and_a_ping() -> None:
    sent = Sent()
    sender = EventSender(sent, PING, "text/event-stream", silence_s=0.02)
    await until(lambda: PING in sent.bodies)
    assert sent.messages[0]["type"] == "http.response.start"
    assert sender.is_started
    await sender.start({"x-late": "1"})
    await sender.write(b"data: 1\n\n")
    await sender.end()
    assert [message["type"] for message in sent.messages].count("http.response.start") == 1
    assert sent.bodies[-1] == b""


async def test_events_that_come_in_time_need_no_ping() -> None:
    sent = Sent()
    sender = EventSender(sent, PING, "text/event-stream", silence_s=60)
    await sender.start({"x-gateway-route": "bulk"})
    await sender.write(b"data: 1\n\n")
    await sender.end()
    assert sent.bodies == [b"data: 1\n\n", b""]
    assert (b"x-gateway-route", b"bulk") in sent.messages[0]["headers"]
