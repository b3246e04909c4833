"""A webhook of one's own, signed by Standard Webhooks 1.0: the id of a message stays the same when it is tried again."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import orjson

from server.alerts.errors import NotTaken
from server.alerts.message import AlertMessage
from server.alerts.sinks.posted import Send, post
from tools.workflows.webhooks.schemes.standard import Standard


@dataclass(frozen=True, slots=True)
class WebhookSink:
    send_request: Send
    url: str = field(repr=False)
    secret: str = field(repr=False)
    clock: Callable[[], float] = time.time

    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        scheme = Standard()
        try:
            key = scheme.key_of(self.secret.encode())
        except ValueError as error:
            raise NotTaken(f"its secret {error}") from error
        content = {"type": f"alert.{message.state}", "timestamp": message.at, "data": asdict(message)}
        body = orjson.dumps(content)
        headers = scheme.signed(key, f"msg_{delivery_id}", self.clock(), body)
        await post(self.send_request, self.url, body, [each for each in headers.items() if each[0] != "content-type"])
