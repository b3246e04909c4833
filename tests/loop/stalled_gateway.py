"""A whole gateway in this process, and a watch over its loop."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from server.app import Gateway
from tests.gateway import add_person, opened, token_for
from tests.loop.inputs import Input
from tests.loop.mcp_upstream import TOOLS
from tests.loop.model_inputs import MODELS
from tests.loop.upstream import document
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.sources.importing import ImportRequest, import_mcp, import_openapi

PROVIDER, MCP_PROVIDER = "stall", "stallmcp"
BEAT_S = 0.001


class Watch:
    """The longest time for which nothing else could run on the loop, and the most that this process worked in between, in seconds.

    Other programs do not count as work: a busy machine makes `longest_s` longer, and the others hardly.
    """

    def __init__(self, beat_s: float = BEAT_S) -> None:
        self._beat_s = beat_s
        self.longest_s = 0.0
        #: by the loop's own thread
        self.longest_work_s = 0.0
        #: by all threads, since one that keeps the interpreter's lock holds the loop as well; never more than the time that passed
        self.longest_held_s = 0.0

    async def beat(self) -> None:
        """Notice whenever this task runs later than it asked for."""
        while True:
            began, worked, all_worked = time.perf_counter(), time.thread_time(), time.process_time()
            await asyncio.sleep(self._beat_s)
            held_s = time.perf_counter() - began - self._beat_s
            self.longest_s = max(self.longest_s, held_s)
            self.longest_work_s = max(self.longest_work_s, time.thread_time() - worked)
            self.longest_held_s = max(self.longest_held_s, min(held_s, time.process_time() - all_worked))


@dataclass
class StalledGateway:
    """A gateway whose application is called as a server would call it."""

    gateway: Gateway
    token: str
    model_key: str

    async def send(self, each: Input, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to one POST of `body`, which is what `each` makes."""
        path = each.path
        token = self.token if path == "/mcp" else self.model_key
        named = {**each.headers, "authorization": f"Bearer {token}", "host": self.gateway.settings.base_url.partition("://")[2]}
        raw = [(name.encode(), value.encode()) for name, value in named.items()]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": raw,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        pending = [{"type": "http.request", "body": body, "more_body": False}]
        status, parts, done = 0, [], asyncio.Event()

        async def receive() -> dict[str, Any]:
            if pending:
                return pending.pop()
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        try:
            await self.gateway.app(scope, receive, send)
        finally:
            done.set()
        return status, b"".join(parts)

    @property
    def api_by_path(self) -> Mapping[str, str]:
        """The operations of the upstream by the first part of their paths, those of its MCP server by their tools."""
        catalog = self.gateway.operations.catalog
        found = {str(each.binding["path"]).strip("/"): each.id for each in catalog.operations_of(None, PROVIDER)}
        return found | {str(each.binding["tool"]): each.id for each in catalog.operations_of(None, MCP_PROVIDER)}

    @contextmanager
    def watched(self, beat_s: float = BEAT_S) -> Iterator[Watch]:
        """Watch the loop while entered."""
        watch = Watch(beat_s)
        task = asyncio.create_task(watch.beat())
        try:
            yield watch
        finally:
            if not task.cancel():
                task.result()  # whoever watches does not end by itself


@asynccontextmanager
async def stalled_gateway(data: Path, part: int = 1) -> AsyncIterator[StalledGateway]:
    """Open a gateway with the operations of `tests.loop.upstream`, and a token for everything.

    `part` 8: what it answers has an eighth of its size.
    """
    command = [sys.executable, "-m", "tests.loop.upstream", str(part)]
    upstream = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: ASYNC220  # nothing else runs yet
    try:
        assert upstream.stdout is not None
        port = int(await asyncio.to_thread(upstream.stdout.readline))
        given = data / "stall.json"
        given.write_bytes(document(f"http://127.0.0.1:{port}"))
        async with opened(data / "data", egress_allow=(f"127.0.0.1:{port}",), rate_limit_scale=1e6) as gateway:
            store = gateway.store
            await import_openapi(store.operations, ImportRequest(str(given), PROVIDER, None))
            server = ImportRequest(f"http://127.0.0.1:{port}/mcp", MCP_PROVIDER, None, include=TOOLS)
            await import_mcp(store.operations, server, quarantine=store.quarantine)
            await gateway.operations.catalog.refresh(None, PROVIDER)
            await gateway.operations.catalog.refresh(None, MCP_PROVIDER)
            prefixes = ("mcp", PROVIDER, MCP_PROVIDER)
            scopes = frozenset({"mcp", *(f"{prefix}:{tier}" for prefix in prefixes for tier in ("read", "write", "destructive"))})
            token = await token_for(gateway, await add_person(gateway), scopes=scopes)
            yield StalledGateway(gateway, token, await _with_models(gateway, port))
    finally:
        assert upstream.stdin is not None
        assert upstream.stdout is not None
        upstream.stdin.close()
        upstream.wait(10)
        upstream.stdout.close()


async def _with_models(gateway: Gateway, port: int) -> str:
    """Configure providers of models that answer what `tests.loop.model_upstream` says; return a caller's key."""
    store, vault = gateway.store, gateway.connections.vault
    providers: dict[str, Any] = {}
    for name, dialect in (("large", "openai"), ("claude", "anthropic")):
        providers[name] = {"dialect": dialect, "base_url": f"http://127.0.0.1:{port}/ai/v1", "shared_key": True}
        secret = ConnectionSecret("sk-of-the-gateway-0123456789")
        added = await add_key(store.connections, vault, tenant_id="default", subject="", provider=name, secret=secret)
        await gateway.connections.known.renew("default", [added.account_id])
    # However often one fails, it is asked again.
    defaults = {"breaker": {"failures": 1_000, "window_s": 30, "open_s": 1}}
    routes = {"alike": {"targets": ["large/m"], "cache_s": 60, "semantic": 0.9}}
    await store.ai_configs.put({"defaults": defaults, "providers": providers, "routes": routes, "models": dict(MODELS)}, "test")
    await gateway.ai_gateway.config.load()
    key, record = await CallerKeyIssuer(store.caller_keys, store.security_events).mint("default", "loop")
    await gateway.ai_gateway.keys.changed({("default", record.key_id)})
    return key
