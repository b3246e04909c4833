"""The demo provider: a server on this machine that speaks OpenAI's dialect and Anthropic's, and needs no key."""

import asyncio
import json
import secrets
import socket
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from server.demo.models.dialects import AsAnthropic, AsOpenAi, DemoAnswer, SaidAs
from server.demo.models.faults import ModelFaults, UnknownFault, read_faults, refusal_of

#: what a route names that wants no faults
MODEL = "demo"
MAX_BODY_BYTES = 16 << 20
#: of models whose requests are counted, and of the requests of one
MAX_MODELS = 1_000
MAX_ASKED = 1_000
MAX_QUOTED_CHARS = 200
#: longer than anybody waits for a word
_SILENCE_S = 3_600.0
_PATHS: dict[str, SaidAs] = {"/chat/completions": AsOpenAi(), "/v1/messages": AsAnthropic()}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came; `at` is loop time."""

    at: float
    #: the last message is the assistant's: half an answer, to be gone on with
    is_prefill: bool


@dataclass
class DemoProvider:
    """`asked`: what came for each (place, model), oldest first; the place is what stands before `/v1` in the path."""

    url: str = ""
    asked: OrderedDict[tuple[str, str], list[Asked]] = field(default_factory=OrderedDict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/models") and request.method == "GET":
            return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"}]})
        ending = next((each for each in _PATHS if request.path.endswith(each)), None)
        if ending is None or request.method != "POST":
            return web.json_response({"error": {"message": f"POST {' or '.join(_PATHS)}", "type": "not_found"}}, status=404)
        said = _PATHS[ending]
        try:
            body = json.loads(await request.read() or b"{}")
            model, last = str(body["model"]), dict(body["messages"][-1])
            faults = read_faults(model)
        except (ValueError, KeyError, IndexError, TypeError, UnknownFault) as error:
            return web.json_response(said.refusal(400, "invalid_request", f"model and messages: {error}"), status=400)
        requests = self._noted(request.path.partition("/v1")[0].strip("/"), model, is_prefill=last.get("role") == "assistant")
        return await _answered(request, said, body, faults.after(requests), text_for(model, last.get("content")))

    def _noted(self, place: str, model: str, *, is_prefill: bool) -> int:
        """Note a request; return how many came before it."""
        of_model = self.asked.setdefault((place, model), [])
        before = len(of_model)
        if before < MAX_ASKED:
            of_model.append(Asked(asyncio.get_running_loop().time(), is_prefill))
        if len(self.asked) > MAX_MODELS:
            self.asked.popitem(last=False)
        return before


@asynccontextmanager
async def serving_models(listener: socket.socket) -> AsyncIterator[DemoProvider]:
    """Serve at `listener` while entered; whoever still waits for a word then is left."""
    provider = DemoProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield provider
    finally:
        await runner.cleanup()


def text_for(model: str, asked: Any) -> str:
    """Return what the demo model says."""
    if isinstance(asked, list):
        asked = " ".join(str(part.get("text", "")) for part in asked if isinstance(part, dict))
    quoted = " ".join(str(asked or "").split())
    quoted = quoted if len(quoted) <= MAX_QUOTED_CHARS else f"{quoted[:MAX_QUOTED_CHARS]}…"
    name = model.partition("?")[0]
    return f"This is {name}, the model that comes with the gateway: it only repeats what you said. You said: {quoted}"


async def _answered(request: web.Request, said: SaidAs, body: dict[str, Any], faults: ModelFaults, text: str) -> web.StreamResponse:
    if faults.reset:
        return _cut_off(request)
    if faults.silent_s:
        await asyncio.sleep(faults.silent_s)
    if faults.status or faults.reason:
        status, code, message = refusal_of(faults)
        headers = {"retry-after": faults.retry_after} if faults.retry_after else None
        return web.json_response(said.refusal(status, code, message), status=status, headers=headers)
    if faults.no_prefill and body["messages"][-1].get("role") == "assistant":
        return web.json_response(said.refusal(400, "invalid_value", "half an answer cannot be gone on with here"), status=400)
    words = [f"{word} " for word in text.split(" ")]
    words[-1] = words[-1].rstrip()
    answer = DemoAnswer(secrets.token_hex(8), str(body["model"]), words, max(1, len(json.dumps(body["messages"])) // 4))
    if not body.get("stream"):
        return web.json_response(said.whole(answer))
    return await _streamed(request, said, answer, faults, wants_usage=bool((body.get("stream_options") or {}).get("include_usage")))


async def _streamed(
    request: web.Request, said: SaidAs, answer: DemoAnswer, faults: ModelFaults, *, wants_usage: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    if faults.late_s:
        await asyncio.sleep(faults.late_s)
    await response.write(said.begin(answer))
    for number, word in enumerate(answer.words):
        if number == faults.cut:
            return _cut_off(request)
        if number == faults.end:
            return response
        if number == faults.stall:
            await asyncio.sleep(_SILENCE_S)
        if number == faults.garble:
            await response.write(b'data: {"choices": [{"delta": {"conte\n\n')
        await response.write(said.word(answer, word))
    await response.write(said.end(answer, wants_usage=wants_usage) + (b"" if faults.unmarked else said.mark))
    return response


def _cut_off(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
