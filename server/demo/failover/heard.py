"""What a caller hears of one model call, whichever dialect it was made in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tools.ai_gateway.replies import ModelReply, WholeReply


@dataclass(frozen=True, slots=True)
class Heard:
    """`is_done`: the caller's client takes the answer for complete."""

    status: int
    text: str = ""
    is_done: bool = False
    #: words of a refusal, or of the event that says that the stream broke off
    error: str = ""
    model: str = ""
    #: of the target that answered, as the header says it
    target: str = ""
    has_usage: bool = False
    ms: float = 0.0

    @property
    def is_told(self) -> bool:
        """A client notices that this is no answer."""
        return not self.is_done and bool(self.error)

    @property
    def told(self) -> str:
        """What people read of the error."""
        try:
            said = orjson.loads(self.error)
        except orjson.JSONDecodeError:
            return self.error
        inner = said.get("error", said) if isinstance(said, dict) else said
        return str(inner["message"]) if isinstance(inner, dict) and "message" in inner else self.error


async def heard_of(reply: ModelReply) -> Heard:
    """Read a reply to its end."""
    target = reply.headers.get("x-gateway-model", "")
    if isinstance(reply, WholeReply):
        body = orjson.loads(reply.body)
        if reply.status >= 400:
            return Heard(reply.status, error=reply.body.decode(errors="replace"), target=target)
        text = _text_of(body)
        return Heard(reply.status, text, is_done=True, model=body.get("model", ""), target=target, has_usage=bool(body.get("usage")))
    raw = b"".join([event async for event in reply.events()])
    events = [line.removeprefix(b"data:").strip() for line in raw.splitlines() if line.startswith(b"data:")]
    read = [orjson.loads(event) for event in events if event != b"[DONE]"]
    return Heard(
        200,
        "".join(map(_text_of, read)),
        is_done=b"[DONE]" in events or any(each.get("type") == "message_stop" for each in read),
        error=next((orjson.dumps(each["error"]).decode() for each in read if each.get("error")), ""),
        model=next(_models(read), ""),
        target=target,
        has_usage=any(each.get("usage") for each in read),
    )


def _text_of(value: dict[str, Any]) -> str:
    """Return the text of an answer or of one event, in either dialect."""
    if isinstance(value.get("content"), list):
        return "".join(part.get("text", "") for part in value["content"])
    if isinstance(delta := value.get("delta"), dict):
        return str(delta.get("text", ""))
    choice = (value.get("choices") or [{}])[0]
    return str((choice.get("delta") or choice.get("message") or {}).get("content") or "")


def _models(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    for each in events:
        if model := each.get("model") or (each.get("message") or {}).get("model"):
            yield str(model)
