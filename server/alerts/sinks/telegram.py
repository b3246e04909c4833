"""Telegram, by a bot (core.telegram.org/bots/api#sendmessage). The token stands in the path, as its API wants it."""

import html
from dataclasses import dataclass, field

import orjson

from server.alerts.message import AlertMessage
from server.alerts.sinks.posted import Send, post

#: "1-4096 characters after entities parsing"
MAX_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class TelegramSink:
    send_request: Send
    api: str
    chat: str
    token: str = field(repr=False)

    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        body = {
            "chat_id": self.chat,
            "text": telegram_text(message),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        await post(self.send_request, f"{self.api.rstrip('/')}/bot{self.token}/sendMessage", orjson.dumps(body))


def telegram_text(message: AlertMessage) -> str:
    """Return HTML, in which all that others chose is escaped."""
    lines = [f"<b>{html.escape(message.title)}</b>", *(html.escape(line) for line in message.lines), f"<i>{html.escape(message.hint)}</i>"]
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MAX_CHARS:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)
