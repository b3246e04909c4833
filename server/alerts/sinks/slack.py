"""Slack, by an incoming webhook (api.slack.com/messaging/webhooks): whoever has the URL may write there."""

from dataclasses import dataclass, field

import orjson

from server.alerts.message import AlertMessage
from server.alerts.sinks.posted import Send, post

#: api.slack.com/reference/block-kit/blocks: of a header, and of the text of a section
MAX_HEADER_CHARS, MAX_SECTION_CHARS = 150, 3_000


@dataclass(frozen=True, slots=True)
class SlackSink:
    send_request: Send
    url: str = field(repr=False)

    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        await post(self.send_request, self.url, orjson.dumps(slack_body(message)))


def slack_body(message: AlertMessage) -> dict[str, object]:
    """Return blocks: what others chose is plain text or escaped, so nothing in it mentions a channel or links anywhere."""
    lines = "\n".join(mrkdwn(line) for line in message.lines)
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:MAX_HEADER_CHARS], "emoji": False}}
    ]
    if lines:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "verbatim": True, "text": _cut(lines)}})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "verbatim": True, "text": _cut(mrkdwn(message.hint))}]})
    return {"text": mrkdwn(message.title), "blocks": blocks, "unfurl_links": False}


def mrkdwn(text: str) -> str:
    """Escape the three characters that Slack reads (api.slack.com/reference/surfaces/formatting#escaping).

    Its marks of emphasis cannot be escaped; they need a letter beside them, which a word joiner is not.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\N{WORD JOINER}{sign}\N{WORD JOINER}" if sign in "*_~" else sign for sign in escaped)


def _cut(text: str) -> str:
    """Cut at a line, so that no escape is cut through."""
    if len(text) <= MAX_SECTION_CHARS:
        return text
    kept = text[: MAX_SECTION_CHARS - 2]
    return f"{kept[: kept.rfind(chr(10))] if chr(10) in kept else kept.rpartition('&')[0]}\n…"
