"""A provider of models on loopback that does what the model's name says and remembers what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tools.ai_gateway.dialects.framing.aws_event_stream import written_message

KEY = "sk-of-the-gateway-0123456789"
WORDS = ("A ", "gateway ", "carries ", "words.")
#: what a model's name may ask for
Behaviour = Callable[["Provider", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Provider:
    """`asked` is what came, oldest first; `left` counts callers that went in the middle."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    left: int = 0
    flaky: dict[str, int] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or b"{}")
        self.asked.append((request.path, {name.lower(): value for name, value in request.headers.items()}, body))
        kind = str(body.get("model", "")).partition("-")[0]
        try:
            return await BEHAVIOURS.get(kind, answers)(self, request, body)
        except (ConnectionResetError, asyncio.CancelledError):
            self.left += 1
            raise


@asynccontextmanager
async def serving() -> AsyncIterator[Provider]:
    """Serve on a free port."""
    provider = Provider()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", provider.handle)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    provider.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield provider
    finally:
        await runner.cleanup()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return (
        b"data: " + json.dumps({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": choices} | more).encode() + b"\n\n"
    )


def whole(text: str = "".join(WORDS)) -> dict[str, Any]:
    choices = [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}


async def answers(provider: Provider, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if not body.get("stream"):
        return web.json_response(whole(), headers={"set-cookie": "a=b", "x-request-id": "theirs"})
    response = await begun(request)
    for word in WORDS:
        await response.write(chunk({"content": word}))
    await response.write(chunk({}, "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        await response.write(chunk({}, None, choices=[], usage=whole()["usage"]))
    await response.write(b"data: [DONE]\n\n")
    return response


async def begun(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    return response


async def cuts(_provider: Provider, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Half an answer, then a clean end of the body."""
    response = await begun(request)
    for word in WORDS[:2]:
        await response.write(chunk({"content": word}))
    return response


async def fails(_provider: Provider, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    status = int(str(body["model"]).partition("-")[2] or 503)
    return web.json_response({"error": {"message": f"no, {status}", "type": "x", "code": None}}, status=status)


async def echoes(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    return web.json_response({"error": {"message": f"wrong key {request.headers['authorization']}", "code": "bad"}}, status=400)


async def endless(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    response = await begun(request)
    while True:
        await response.write(chunk({"content": "word "}))
        await asyncio.sleep(0.01)


async def silent(_provider: Provider, _request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def stalls(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    response = await begun(request)
    await response.write(chunk({"content": "word "}))
    await asyncio.sleep(60)
    return response


async def converse(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    """A stream of Bedrock's, whose framing has checksums."""
    response = web.StreamResponse(headers={"content-type": "application/vnd.amazon.eventstream"})
    await response.prepare(request)
    await response.write(CONVERSE)
    return response


async def gemini(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    response = await begun(request)
    await response.write(GEMINI)
    return response


async def overlong(_provider: Provider, _request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    error = {"message": "prompt is too long: 5 tokens > 4 maximum", "code": "context_length_exceeded"}
    return web.json_response({"error": error}, status=400)


def _frame(name: str, payload: dict[str, Any]) -> bytes:
    return written_message({":message-type": "event", ":event-type": name}, json.dumps(payload).encode())


CONVERSE = b"".join([
    _frame("messageStart", {"role": "assistant"}),
    _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hello"}}),
    _frame("messageStop", {"stopReason": "end_turn"}),
    _frame("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}}),
])  # fmt: skip
GEMINI = b"".join(
    b"data: " + json.dumps(each).encode() + b"\r\n\r\n"
    for each in (
        {"candidates": [{"content": {"parts": [{"text": "hello"}]}}]},
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}},
    )
)
BEHAVIOURS: dict[str, Behaviour] = {
    "cuts": cuts, "fails": fails, "echoes": echoes, "endless": endless, "silent": silent, "stalls": stalls,
    "converse": converse, "gemini": gemini, "overlong": overlong,
}  # fmt: skip


async def splits(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    """Says our key in bytes of no known form, cut in two."""
    response = web.StreamResponse(headers={"content-type": "audio/x-words"})
    await response.prepare(request)
    key = request.headers["authorization"].encode()
    for piece in (b"said: " + key[:20], key[20:] + b" and sk-of", b""):
        await response.write(piece)
        await asyncio.sleep(0.05)
    return response


BEHAVIOURS["splits"] = splits


async def embeds(_provider: Provider, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    rows = [{"object": "embedding", "index": place, "embedding": [float(len(text)), 1.0]} for place, text in enumerate(texts)]
    return web.json_response(
        {"object": "list", "data": rows, "model": "m", "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}}
    )


BEHAVIOURS["embeds"] = embeds


async def errs(_provider: Provider, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    """A word, then an error event inside the 200."""
    response = await begun(request)
    await response.write(chunk({"content": "word "}))
    await response.write(b'data: {"error": {"message": "Overloaded", "type": "server_error", "code": "overloaded"}}\n\n')
    return response


BEHAVIOURS["errs"] = errs


async def limits(_provider: Provider, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return web.json_response({"error": {"message": "slowly"}}, status=429, headers={"retry-after": body["retry_after"]})


BEHAVIOURS["limits"] = limits


async def waits(_provider: Provider, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A 429 that asks to wait for what its model's name says, and repeats our key in a header."""
    headers = {"retry-after": str(body["model"]).partition("-")[2], "x-request-id": request.headers["authorization"]}
    return web.json_response({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, status=429, headers=headers)


BEHAVIOURS["waits"] = waits


async def redirects(provider: Provider, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Leads to where no operator sent it, with the status of its model's name."""
    status = int(str(body["model"]).partition("-")[2])
    return web.Response(status=status, headers={"location": f"{provider.url}/elsewhere", "set-cookie": "a=b"})


BEHAVIOURS["redirects"] = redirects
