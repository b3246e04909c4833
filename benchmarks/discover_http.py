"""What `discover_apis` costs over real HTTP, beside a bare /healthz of the same process in the same run.

    python -m benchmarks.discover_http

Goals: at 20,000 operations the median is at most 5 ms above that of /healthz, and the throughput of eight connections at most half
of what it is at 100 operations. The gateway is a process of its own with SQLite and a guarded endpoint, as in production; the
operations are made up, a few words each. The answers hold six operations with their signatures.
"""

import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.index_catalogues import made_up, vocabulary
from oauth.resources import Resources
from oauth.tenants import Tenants
from oauth.tokens.operator_issued import OperatorIssuedTokens
from server.config.load import load
from server.storage.store import open_store
from tests.flows.gateway_process import running_gateway
from tests.ports import free_port
from tests.server.mcp.requests import modern_body, modern_headers
from tools.operation import Operation
from tools.stores import Source

SIZES = (100, 20_000)
CALLS, WARM_UP = 400, 60
CONNECTIONS, THROUGHPUT_S = 8, 4.0
MOST_ADDED_MS, LEAST_SHARE = 5.0, 0.5
SCOPES = frozenset({"mcp", "mcp:read"})
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}}


def operations(count: int) -> list[Operation]:
    return [
        Operation(
            id=document.slug,
            kind="openapi",
            provider="made",
            tenant_id=None,
            title=document.title,
            summary=document.summary,
            description="",
            access="read",
            idempotent=True,
            input_schema=SCHEMA,
            output_schema=None,
            signature=f"{document.slug}(query?: str, limit?: int) -> object",
            returns="object",
            tags=document.tags,
            binding={"base_url": "https://api.example.com", "method": "GET", "path": f"/{number}"},
            content_hash=str(number),
        )
        for number, document in enumerate(made_up(count))
    ]


async def prepared(folder: Path, port: int, count: int) -> str:
    """Fill the store of `folder` with `count` operations and return an access token."""
    settings = load(folder, {}, base_url=f"http://127.0.0.1:{port}")
    async with open_store(settings) as store:
        await store.operations.replace(Source("made", None, "openapi", "", "", {}), operations(count))
        tenants = Tenants(await store.tenants.all())

        async def allowed(*_who: str) -> frozenset[str]:
            return SCOPES

        minting = OperatorIssuedTokens(store.grants, Resources(tenants, settings.mcp_url, settings.base_url), allowed)
        return (await minting.mint("default", "ada", SCOPES, 3600)).access_token


class Connection:
    """One kept-open HTTP/1.1 connection: as little client as can be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @staticmethod
    async def to(port: int) -> "Connection":
        return Connection(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, request: bytes) -> bytes:
        """Return the body of the answer, which must be 200."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"the gateway answered {head.split(maxsplit=2)[1].decode()}")
        return await self._reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))

    def close(self) -> None:
        self._writer.close()


def request_of(method: str, path: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: 127.0.0.1",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def discoveries(token: str) -> list[bytes]:
    """Return requests with forty intents."""
    chance, words = random.Random(5), vocabulary()
    headers = {**modern_headers("tools/call", "discover_apis"), "authorization": f"Bearer {token}"}
    found = []
    for _ in range(40):
        query = "I need to " + " ".join(words[int(len(words) * chance.random() ** 3)] for _ in range(chance.randrange(4, 9)))
        body = modern_body("tools/call", {"name": "discover_apis", "arguments": {"query": query}})
        found.append(request_of("POST", "/mcp", headers.items(), json.dumps(body).encode()))
    return found


async def measured(port: int, token: str) -> tuple[float, float, float]:
    """Return the median of /healthz and of a discovery in ms, taken in turns, and discoveries a second of all connections."""
    bare, asked = request_of("GET", "/healthz"), discoveries(token)
    connection = await Connection.to(port)
    answer = json.loads(await connection.send(asked[0]))
    if len(answer["result"]["structuredContent"]["results"]) != 6:
        raise SystemExit("a discovery did not find six operations")
    spent: dict[str, list[float]] = {"bare": [], "discover": []}
    for number in range(WARM_UP + CALLS):
        for name, request in (("bare", bare), ("discover", asked[number % len(asked)])):
            began = time.perf_counter()
            await connection.send(request)
            if number >= WARM_UP:
                spent[name].append((time.perf_counter() - began) * 1e3)
    connection.close()
    return statistics.median(spent["bare"]), statistics.median(spent["discover"]), await throughput(port, asked)


async def throughput(port: int, asked: list[bytes]) -> float:
    connections = [await Connection.to(port) for _ in range(CONNECTIONS)]
    turns, ends_at, done = itertools.cycle(asked), time.perf_counter() + THROUGHPUT_S, 0

    async def work(connection: Connection) -> None:
        nonlocal done
        while time.perf_counter() < ends_at:
            await connection.send(next(turns))
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in connections))
    spent = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return done / spent


def main() -> int:
    found: dict[int, tuple[float, float, float]] = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            token = asyncio.run(prepared(Path(folder) / "data", port, size))
            with running_gateway(Path(folder) / "data", demo=False, port=port, from_nothing=True):
                found[size] = asyncio.run(measured(port, token))
        bare_ms, discover_ms, rate = found[size]
        print(
            f"{size:>7,} operations: discover_apis {discover_ms:6.2f} ms, /healthz {bare_ms:5.2f} ms, ratio {discover_ms / bare_ms:5.1f}, "
            f"added {discover_ms - bare_ms:5.2f} ms; {rate:,.0f} a second by {CONNECTIONS} connections",
            flush=True,
        )
    bare_ms, discover_ms, rate = found[SIZES[-1]]
    added_ms, share = discover_ms - bare_ms, rate / found[SIZES[0]][2]
    print(f"added at {SIZES[-1]:,}: {added_ms:.2f} ms (goal: at most {MOST_ADDED_MS:g})")
    print(f"throughput at {SIZES[-1]:,} is {share:.2f} of that at {SIZES[0]} (goal: at least {LEAST_SHARE:g})")
    return 0 if added_ms <= MOST_ADDED_MS and share >= LEAST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
