"""Inputs that once held the event loop or might, a whole gateway in this process, and a watch over its loop."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from server.app import Gateway
from tests.gateway import add_person, opened, token_for
from tests.loop.mcp_upstream import TOOLS
from tests.loop.model_inputs import MODELS, model_inputs
from tests.loop.upstream import ANSWERS, document
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.sources.importing import ImportRequest, import_mcp, import_openapi

PROVIDER, MCP_PROVIDER = "stall", "stallmcp"
MB = 1 << 20
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


@dataclass(frozen=True, slots=True)
class Input:
    """One POST. `body`: made when it is sent, since the whole corpus would be gigabytes."""

    name: str
    headers: Mapping[str, str]
    body: Callable[[], bytes]
    path: str = "/mcp"


def call(tool: str, arguments: Mapping[str, Any]) -> tuple[Mapping[str, str], bytes]:
    """Return a `tools/call` of 2026-07-28."""
    return modern_headers("tools/call", tool), orjson.dumps(modern_body("tools/call", {"name": tool, "arguments": arguments}))


def inputs(api_by_path: Mapping[str, str]) -> Iterator[Input]:
    """Yield the corpus: what upstreams answer, what clients send wrong, and bodies of up to 4 MB by both ways in."""
    for path in ANSWERS:
        yield _called(f"answer {path}", "call_api", {"api": api_by_path[path], "args": {}})
    for tool in TOOLS:
        yield _called(f"MCP {tool}", "call_api", {"api": api_by_path[tool], "args": {}})
    for path in ("rows", "texts", "names", "bearable_rows", "text"):
        select = "length(@)" if path != "rows" else "rows[?id==`7`].name"
        yield _called(f"selected {path}", "call_api", {"api": api_by_path[path], "args": {}, "select": select})
    steps: list[dict[str, Any]] = [
        {"id": path, "api": api_by_path[path], "args": {}} for path in ("rows", "bearable_rows", "bearable_names")
    ]
    yield _called("plan of large answers", "batch_execute", {"steps": steps})
    counted = {"steps": steps, "return": "{a: length(rows.data.rows), b: length(bearable_rows.data)}"}
    yield _called("plan that counts large answers", "batch_execute", counted)
    many = [{"id": f"s{number}", "api": api_by_path["bearable_rows"], "args": {}} for number in range(20)]
    yield _called("plan of many bearable answers", "batch_execute", {"steps": many})
    yield from _wrong(api_by_path["sent"])
    yield from _parameters(api_by_path)
    for name, arguments in _bodies():
        for era in ("modern", "legacy"):
            yield _posted(f"{era} body of {name}", era, api_by_path["sent"], arguments)


def model_calls(*, with_largest: bool) -> Iterator[Input]:
    """Yield the corpus of model calls."""
    for name, path, headers, body in model_inputs(with_largest=with_largest):
        yield Input(f"models: {name}", headers, body, path)


def _called(name: str, tool: str, arguments: Mapping[str, Any]) -> Input:
    headers, body = call(tool, arguments)
    return Input(name, headers, lambda: body)


def _wrong(sent: str) -> Iterator[Input]:
    zones = {"zones": ["Zone/City_x"] * 200}
    yield _called("zones that are none", "call_api", {"api": sent, "args": zones})
    yield _called("many zones that are none", "call_api", {"api": sent, "args": {"zones": ["Zone/City_x"] * 40_000}})
    yield _called("rows that are none", "call_api", {"api": sent, "args": {"rows": [{"m": 1}] * 20_000}})
    yield _called("one row that is none", "call_api", {"api": sent, "args": {"rows": [{"n": 1}] * 20_000 + [{"n": "x"}]}})
    yield _called("unknown names", "call_api", {"api": sent, "args": {f"name{number}": 1 for number in range(20_000)}})
    yield _called("a long unknown name", "call_api", {"api": sent, "args": {"n" * 3 * MB: 1}})
    yield _called("a long unknown tier", "call_api", {"api": sent, "page": {"mode": "o" * 3 * MB}})
    yield _called("a long unknown tier of escapes", "call_api", {"api": sent, "page": {"mode": "\n" * 1_900_000}})
    yield _called("a long key of escapes", "call_api", {"api": sent, "idempotency_key": "\n" * 1_900_000})
    yield _called("a row with a long name", "call_api", {"api": sent, "args": {"rows": [{"[" * 3 * MB: "x"}]}})
    yield _called("a long text for a list", "call_api", {"api": sent, "args": {"rows": "\n" * 1_900_000}})
    yield _called("a plan with a long text", "batch_execute", {"steps": [{"id": "a", "api": sent, "args": {"text": "\n" * 1_900_000}}]})
    yield _called("a plan that waits for a long name", "batch_execute", {"steps": [{"id": "a", "api": sent, "depends_on": ["n" * 3 * MB]}]})
    yield _called("a long id", "call_api", {"api": "stall.things." * 200_000, "args": {}})
    yield _called("an unknown id", "call_api", {"api": "stall.thinsg77.gte", "args": {}})
    steps = [{"id": f"s{number}", "api": sent, "args": zones} for number in range(50)]
    yield _called("plan of zones that are none", "batch_execute", {"steps": steps})
    ids = [f"stall.thinsg{number}_{'abcdefgh'[number % 8]}.lsit" for number in range(50)]
    yield _called("plan of unknown steps", "batch_execute", {"steps": [{"id": f"s{at}", "api": name} for at, name in enumerate(ids)]})
    yield _called("unknown ids", "discover_apis", {"ids": ids[:20]})
    yield _called("a long query", "discover_apis", {"query": "find things " * 200_000})
    queries = [" ".join(f"things{7 * number + which}" for number in range(200)) for which in range(5)]
    yield _called("five long queries", "discover_apis", {"query": queries, "limit": 20})
    yield _called("a long topic of escapes", "discover_apis", {"query": "things", "tags": ["\n" * 1_900_000]})
    places = [{"$ref": "one.data.a || " * 100 + f"one.data.b{number}"} for number in range(900)]
    first = {"id": "one", "api": sent, "args": {}}
    yield _called("plan of long expressions", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"rows": places}}]})
    names = [{"$ref": f"one.data{'.a' * 900}[{number}]"} for number in range(900)]
    yield _called("plan of long names", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"rows": names}}]})
    unknown = [{"$ref": f"on{number}.data"} for number in range(1_000)]
    yield _called(
        "plan of unknown steps in places", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"a": unknown}}]}
    )
    mapped = {"id": "one", "api": sent, "for_each": [{"n": number} for number in range(500)], "args": {"rows": [{"$item": "@"}]}}
    yield _called("plan of five hundred elements", "batch_execute", {"steps": [mapped], "dry_run": True})
    yield _called("an expression that nests", "call_api", {"api": sent, "args": {}, "select": "a" + ".a" * 1_900})
    yield _called("an expression of bars", "call_api", {"api": sent, "args": {}, "select": "[@]" + "|[@]" * 900})


def _parameters(api_by_path: Mapping[str, str]) -> Iterator[Input]:
    for name, value in (("blanks", " a" * 1_500_000), ("accents", "é" * 1_500_000)):
        yield _called(f"a query of {name}", "call_api", {"api": api_by_path["found"], "args": {"q": value}})
        yield _called(f"a header of {name}", "call_api", {"api": api_by_path["found"], "args": {"x_words": value}})
        yield _called(f"a form of {name}", "call_api", {"api": api_by_path["form"], "args": {"text": value}})
    many = {str(number): number for number in range(20_000)}
    within: dict[str, Any] = {str(number): number for number in range(5_000)}
    for _ in range(200):
        within = {"deeper": within}
    for name, deep in (("long names", {"k" * MB: many}), ("depth", within), ("nothing", {"k" * MB: {key: {} for key in many}})):
        yield _called(f"a deep object of {name}", "call_api", {"api": api_by_path["found"], "args": {"deep": deep}})
    for path in ("form", "parts", "numbers"):
        yield _called(f"{path}: whole floats", "call_api", {"api": api_by_path[path], "args": {"counts": [5.0] * 40_000}})
        yield _called(f"{path}: digits in texts", "call_api", {"api": api_by_path[path], "args": {"counts": ["9" * 20] * 40_000}})
        yield _called(f"{path}: a dry run", "call_api", {"api": api_by_path[path], "args": {"text": " é" * MB}, "dry_run": True})
    texts: Any = ["a"] * 900
    for _ in range(200):
        texts = [texts]
    steps = [{"id": f"s{number}", "api": api_by_path["sent"], "args": {"text": texts}} for number in range(50)]
    yield _called("plan of texts that nest", "batch_execute", {"steps": steps})
    foreign = ["${s1.data.x} and ${s2.data.y}"] * 200
    steps = [{"id": f"s{number}", "api": api_by_path["sent"], "args": {"zones": foreign}} for number in range(50)]
    yield _called("plan of other products' templates", "batch_execute", {"steps": steps})


def _bodies() -> Iterator[tuple[str, Callable[[], bytes]]]:
    yield "lists", lambda: b"[" + b"[]," * 1_300_000 + b"[]]"
    yield "objects", lambda: b"[" + b"{}," * 1_300_000 + b"{}]"
    yield "numbers", lambda: b"[" + b"1," * 1_900_000 + b"1]"
    yield "names", lambda: b"{" + b",".join(b'"%07x":1' % number for number in range(300_000)) + b"}"
    yield "bearable lists", lambda: b"[" + b"[]," * 24_000 + b"[]]"
    yield "bearable rows", lambda: b"[" + b'{"n":1},' * 24_000 + b'{"n":1}]'
    yield "bearable names", lambda: b"{" + b",".join(b'"%07x":1' % number for number in range(45_000)) + b"}"
    yield "nested lists", lambda: b"[" * 2_000_000 + b"]" * 2_000_000
    yield "depth", lambda: b"[" * 900 + b"]" * 900
    yield "a text", lambda: b'"' + b"a" * 4_000_000 + b'"'
    yield "a table in a text", lambda: b'"' + b"a,b;" * 990_000 + b'"'
    yield "a text of escapes", lambda: b'"' + b"\\n" * 1_990_000 + b'"'
    yield "a text of quotes", lambda: b'"' + b'\\":' * 1_300_000 + b'"'
    yield "a text of surrogates", lambda: b'"' + b"\\ud800" * 660_000 + b'"'
    yield "a number", lambda: b"9" * 4_000_000
    yield "blanks", lambda: b" " * 4_000_000 + b"1"
    yield "colons", lambda: b'"' + b" :" * 1_990_000 + b'"'
    yield "a text of quotes beside a name twice", lambda: b'{"t":"' + b'\\":' * 1_300_000 + b'","a":1,"a":2}'
    yield "one name twice", lambda: b"{" + b'"a":1,' * 20_000 + b'"a":1}'
    yield "no JSON", lambda: b"{" * 4_000_000


def _posted(name: str, era: str, api: str, value: Callable[[], bytes]) -> Input:
    params = {"name": "call_api", "arguments": {"api": api, "args": {"text": "@@"}}}
    message = modern_body("tools/call", params) if era == "modern" else legacy_body("tools/call", params)
    headers = modern_headers("tools/call", "call_api") if era == "modern" else legacy_headers()
    start, end = orjson.dumps(message).split(b'"@@"')
    return Input(name, headers, lambda: start + value()[: 4 * MB - 2_000] + end)


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
