"""A gateway under load: `ascend serve` in a process of its own, an upstream in another, and as little client as can be."""

import asyncio
import json
import resource
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load_upstream import document
from tests.flows.gateway_process import ascend, running_gateway
from tests.ports import free_port
from tests.server.mcp.requests import legacy_headers, modern_body, modern_headers

PROVIDER = "load"
EMAIL = "load@example.com"
#: the soft limit of open files that most systems start a process with
USUAL_OPEN_FILES = 1024
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class LoadedGateway:
    """Where it listens, whose memory to look at, and a token for everything and one that may only read."""

    port: int
    pid: int
    token: str
    reading_token: str

    def resident_bytes(self) -> int:
        """Return how much memory the gateway has now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_BYTES

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def call(self, name: str, arguments: Mapping[str, Any], *, token: str | None = None, progress: bool = False) -> bytes:
        """Return a 2026-07-28 `tools/call` as it goes over the wire."""
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        body = modern_body("tools/call", params)
        if progress:
            body["params"]["_meta"]["progressToken"] = 1
        return self._post(modern_headers("tools/call", name), body, token)

    def legacy_call(self, name: str, arguments: Mapping[str, Any]) -> bytes:
        """Return a 2025-11-25 `tools/call` as it goes over the wire."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        return self._post(legacy_headers(), body, None)

    def _post(self, headers: Mapping[str, str], body: Mapping[str, Any], token: str | None) -> bytes:
        sent = json.dumps(body).encode()
        named = {**headers, "authorization": f"Bearer {token or self.token}", "content-length": str(len(sent))}
        lines = ["POST /mcp HTTP/1.1", f"host: 127.0.0.1:{self.port}", *(f"{name}: {value}" for name, value in named.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + sent


@contextmanager
def loaded_gateway(workers: int = 1) -> Iterator[LoadedGateway]:
    """Start both with the usual limit of open files; this process gets all that it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ports = [free_port(), free_port()]
    extra = {"ASCEND_EGRESS_ALLOW": ",".join(f"127.0.0.1:{port}" for port in ports), "ASCEND_RATE_LIMIT_SCALE": "1000000"}
    with tempfile.TemporaryDirectory() as name:
        data, given = Path(name) / "data", Path(name) / "load.json"
        given.write_bytes(document(*(f"http://127.0.0.1:{port}" for port in ports)))
        _must("import", "openapi", str(given), "--provider", PROVIDER, "--shared", data=data, extra=extra)
        _must("user", "add", EMAIL, "--tenant", "default", "--password-stdin", data=data, given=secrets.token_urlsafe(24))
        upstream = subprocess.Popen([sys.executable, "-m", "benchmarks.load_upstream", *map(str, ports)])
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(USUAL_OPEN_FILES, hard), hard))
        try:
            with running_gateway(data, demo=False, extra=extra, from_nothing=True, options=("--workers", str(workers))) as running:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                mint = ("token", "mint", "--tenant", "default", "--user", EMAIL)
                token = _must(*mint, data=data).split()[-1]
                reading = _must(*mint, "--scope", "mcp mcp:read", data=data).split()[-1]
                yield LoadedGateway(int(running.base_url.rpartition(":")[2]), running.process.pid, token, reading)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            upstream.terminate()
            upstream.wait(10)


def _must(*words: str, data: Path, given: str | None = None, extra: Mapping[str, str] | None = None) -> str:
    done = ascend(*words, data_dir=data, stdin=given, extra=extra)
    if done.returncode:
        sys.exit(f"ascend {words[0]}: {done.stderr.strip()}")
    return done.stdout


@dataclass(slots=True, eq=False)
class Connection(asyncio.Protocol):
    """One kept-open connection. `is_lost`: the gateway ended it."""

    is_lost: bool = False
    _transport: asyncio.Transport | None = None
    _received: bytearray = field(default_factory=bytearray)
    _answer: "asyncio.Future[tuple[int, bytes]] | None" = None

    @staticmethod
    async def to(port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        return connection

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer; an event stream is read to its end. Raises ConnectionError when it is lost."""
        if self._transport is None or self.is_lost:
            raise ConnectionError("the gateway closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as a stream connection gives it
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        head = head.lower()
        if b"content-length:" in head:
            is_whole = len(body) >= int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        else:
            is_whole = body.endswith(b"\r\n0\r\n\r\n")
        if is_whole and self._answer is not None and not self._answer.done():
            self._received = bytearray()
            self._answer.set_result((int(head.split(b" ", 2)[1]), bytes(body)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the gateway closed the connection"))
