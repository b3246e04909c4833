"""A scripted HTTP upstream on loopback: answers what a test says, remembers what it got."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Got:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Got], Awaitable[web.StreamResponse] | web.StreamResponse]


@dataclass
class Upstream:
    """Answers each request with the next of `answers`, and with the last one for ever after."""

    answers: list[web.Response] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, status: int = 200, body: str | bytes = "{}", content_type: str = "application/json", **headers: str) -> None:
        """Queue an answer; header names have underscores for dashes."""
        raw = body.encode() if isinstance(body, str) else body
        named = {"Content-Type": content_type} if content_type else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(web.Response(status=status, body=raw, headers=named))

    async def __aenter__(self) -> "Upstream":
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.got.append(Got(request.method, request.raw_path, dict(request.headers), await request.read()))
        template = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        body = template.body
        assert isinstance(body, bytes)
        return web.Response(status=template.status, body=body, headers=template.headers)
