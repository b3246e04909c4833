"""What a provider says of its answer's kind, and what goes out under our origin."""

from typing import Any

import pytest
from starlette.types import Message

from server.model_api.wire import Wire
from server.origins import Callers
from tools.ai_gateway.replies import WholeReply


async def sent(content_type: str) -> dict[str, str]:
    """Return the headers of an answer of this kind."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope: Any = {"headers": [], "extensions": {}}
    wire = Wire.of(scope, receive, send, Callers("http://127.0.0.1:8080"))
    await wire.answer(WholeReply(200, {}, b"<script>alert(1)</script>", content_type))
    return {name.decode(): value.decode() for name, value in messages[0]["headers"]}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("text/html", "text/plain"),
        ("Text/HTML; charset=iso-8859-1", "text/plain; charset=iso-8859-1"),
        ("text/javascript", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/html\nset-cookie: a=b", "application/octet-stream"),
        ("application/json, text/html", "application/octet-stream"),
        ("audio/mpeg;a=b,text/html", "application/octet-stream"),
        ("multipart/x-mixed-replace; boundary=a", "application/octet-stream"),
        ("application/jsonp", "application/jsonp"),
        ("audio/mpeg", "audio/mpeg"),
        ("image/png", "image/png"),
        ("", ""),
    ],
)
async def test_nothing_of_a_provider_is_a_page_of_ours(said: str, shown: str) -> None:
    headers = await sent(said)
    assert (headers["content-type"], headers["x-content-type-options"]) == (shown, "nosniff")


async def test_json_is_json() -> None:
    assert (await sent("application/json; charset=utf-8"))["content-type"] == "application/json; charset=utf-8"
