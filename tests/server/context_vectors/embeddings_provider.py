"""An /embeddings endpoint on loopback that knows what a text is about, and does what a test wants of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: words that are of one meaning to every model here, and that no table knows
ABOUT = (("quuxley", "blorpish"), ("zorbitz", "snargly"))
POISON = "venomix"
#: a model's vectors are as long as its name says
DIMENSION_BY_MODEL = {"about-a": 8, "about-b": 12}


@dataclass
class EmbeddingsProvider:
    """`texts` by model, in the order in which they came."""

    url: str = ""
    texts: dict[str, list[str]] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    #: requests wait until it is set
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    #: which came, and which left before they were answered
    waiting: int = 0
    left: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        model, texts = body["model"], body["input"] if isinstance(body["input"], list) else [body["input"]]
        self.bodies.append(body)
        self.texts.setdefault(model, []).extend(texts)
        self.waiting += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        finally:
            self.waiting -= 1
        if self.status != 200:
            return web.json_response({"error": {"message": "not now"}}, status=self.status)
        if any(POISON in text.lower() for text in texts):
            return web.json_response({"error": {"message": "cannot read this"}}, status=400)
        rows = [{"object": "embedding", "index": at, "embedding": vector(model, text, body)} for at, text in enumerate(texts)]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return web.json_response({"object": "list", "data": rows, "model": model, "usage": usage})


PROVIDER = web.AppKey("provider", EmbeddingsProvider)


def vector(model: str, text: str, body: dict[str, Any]) -> list[float]:
    """Return a vector that points to what `text` is about, and for all others to one corner."""
    found = [0.02] * body.get("dimensions", DIMENSION_BY_MODEL[model])
    found[next((at for at, words in enumerate(ABOUT) if any(word in text.lower() for word in words)), -1)] = 1.0
    return found


async def titan(request: web.Request) -> web.StreamResponse:
    """Answer as Amazon's Titan does: one text, one vector."""
    body = json.loads(await request.read())
    request.app[PROVIDER].bodies.append(body)
    return web.json_response({"embedding": vector("about-a", body["inputText"], {}), "inputTextTokenCount": 1})


@asynccontextmanager
async def serving() -> AsyncIterator[EmbeddingsProvider]:
    """Serve on a free port."""
    provider = EmbeddingsProvider()
    provider.opened.set()
    app = web.Application(client_max_size=64 << 20)
    app[PROVIDER] = provider
    app.router.add_post("/v1/embeddings", provider.handle)
    app.router.add_post("/model/{name}/invoke", titan)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    provider.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield provider
    finally:
        provider.opened.set()
        await runner.cleanup()
