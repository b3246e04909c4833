"""A small gateway around the real MCP endpoint: a stand-in guard, and a dispatcher whose operations say how they end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from oauth.principal import Principal
from server.config.load import load
from server.config.settings import Settings
from server.discovery import Discovery
from server.mcp.endpoint import McpEndpoint
from server.observability.health import Health, MetricsReaders
from server.observability.telemetry import Telemetry
from server.request_scope import Headers
from tools.errors import InvalidArguments
from tools.operation import (
    ClientInfo,
    Confirmation,
    ConnectionRequest,
    Failure,
    Json,
    Outcome,
    Progress,
    no_progress,
)

TOKEN = "stand-in-token"
CONNECT = ConnectionRequest("crm", "needs_auth", "http://127.0.0.1:1/connect/flow123", "connect your CRM account")


class StandInDispatcher:
    """Runs `call_api` and the catalogue operation `crm.contacts.search`; the argument `how` says with what outcome."""

    def __init__(self) -> None:
        self.calls: list[tuple[Principal, str, Mapping[str, Json], ClientInfo, str | None]] = []
        self.cancelled = anyio.Event()

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        progress: Progress = no_progress,
        trace_id: str | None = None,
    ) -> Outcome:
        self.calls.append((principal, name, dict(arguments), client, trace_id))
        if name not in ("discover_apis", "call_api", "batch_execute", "crm.contacts.search"):
            failure = Failure("unknown_operation", f"no operation {name!r}; try discover_apis", did_you_mean=("crm.contacts.search",))
            return Outcome("error", error=failure)
        return await self._end(arguments, progress)

    async def _end(self, arguments: Mapping[str, Json], progress: Progress) -> Outcome:
        match arguments.get("how"):
            case "progress":
                for step in (1.0, 2.0):
                    await progress(step, 2.0, f"step {step:g}")
                return Outcome("ok", data={"done": 2})
            case "fail":
                return Outcome("error", error=Failure("upstream_timeout", "crm did not answer within 30 s", retryable=True))
            case "raise_known":
                raise InvalidArguments(Failure("invalid_arguments", "arguments.limit: 0 is less than the minimum of 1"))
            case "raise_unknown":
                raise RuntimeError("the secret plan of tenant acme")
            case "connect":
                return Outcome("needs_connection", connection=CONNECT)
            case "confirm":
                return Outcome("needs_confirmation", confirmation=Confirmation("tok", "delete contact 1?", 300))
            case "scope":
                missing = frozenset({"crm:write", "mcp:write"})
                return Outcome("error", error=Failure("insufficient_scope", "this needs crm:write", missing_scopes=missing))
            case "scope_after_progress":
                # The second is taken only once the first has been written out.
                for step in (1.0, 2.0):
                    await progress(step, None, None)
                return Outcome("error", error=Failure("insufficient_scope", "late", missing_scopes=frozenset({"crm:write"})))
            case "hang":
                try:
                    await anyio.sleep_forever()
                except BaseException:
                    self.cancelled.set()
                    raise
        return Outcome("ok", data={"echo": dict(arguments)})


def step_up(principal: Principal, missing: frozenset[str], base_url: str) -> tuple[Headers, bytes]:
    """Stand in for the challenge of server/bearer.py."""
    scope = " ".join(sorted(principal.scopes | missing))
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    headers = [(b"www-authenticate", challenge.encode()), (b"content-type", b"application/json")]
    return headers, orjson.dumps({"error": "insufficient_scope"})


class StandInGuard:
    """Takes one fixed token; the real guard is tested where it lives."""

    def __init__(self, app: McpEndpoint) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (b"authorization", f"Bearer {TOKEN}".encode()) not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
            await send({"type": "http.response.body", "body": b""})
            return
        scope["ascend.principal"] = Principal("default", "ada", "client-1", frozenset({"mcp", "mcp:read"}), "grant-1")
        await self._app(scope, receive, send)


def settings_for(port: int, folder: Path, **overrides: object) -> Settings:
    return load(folder, {}, base_url=f"http://127.0.0.1:{port}", **overrides)


def gateway(settings: Settings, dispatcher: StandInDispatcher, *, has_fast_path: bool = True) -> Starlette:
    """Return an application with the real endpoint, discovery and health."""
    endpoint = McpEndpoint(dispatcher=dispatcher, step_up=step_up, settings=settings, has_fast_path=has_fast_path)
    guarded = StandInGuard(endpoint)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with endpoint.run():
            yield

    async def store_is_up() -> str | None:
        return None

    routes = [*Discovery(settings).routes(), *Health(Telemetry(), {"store": store_is_up}, MetricsReaders(settings)).routes()]
    routes += [Route(path, guarded) for path in ("/mcp", "/mcp/", "/mcp/{tenant}")]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app
