"""A Redis of a test's own: on loopback or a Unix socket, in memory, gone afterwards."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.ports import free_port
from tests.waiting import until_here


@dataclass
class RedisServer:
    """A server that can be killed and started again at the same place; it keeps nothing on a disk."""

    folder: Path
    port: int
    #: more of its configuration
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        return f"unix://{self.folder / 'redis.sock'}"

    def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed here")
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.folder / "redis.sock")]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder), "--logfile", str(self.folder / "redis.log")]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_here(self._answers)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stall(self) -> None:
        """Have it answer nobody, with its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def load(self, script: str) -> None:
        """Have it know a script that no link brings along."""
        async with Redis.from_url(self.url) as client:
            await client.script_load(script)

    async def forget_scripts(self) -> None:
        async with Redis.from_url(self.url) as client:
            await client.script_flush()

    async def reads(self) -> int:
        """Return how often it has read from its connections."""
        async with Redis.from_url(self.url) as client:
            return int((await client.info("stats"))["total_reads_processed"])

    async def milliseconds_left(self, name: str) -> int:
        """Return in how many milliseconds a name goes by itself; below 0: never, or it is not there."""
        async with Redis.from_url(self.url) as client:
            return int(await client.pttl(name))

    async def value(self, name: str) -> bytes:
        async with Redis.from_url(self.url) as client:
            value = await client.get(name)
            assert isinstance(value, bytes)
            return value

    async def names(self) -> set[bytes]:
        async with Redis.from_url(self.url) as client:
            return {name async for name in client.scan_iter()}

    def _signal(self, which: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(which)

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"redis-server ended: {(self.folder / 'redis.log').read_text(encoding='utf-8')[-500:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Give a running server, or skip where Redis is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, free_port(), options)
    server.start()
    try:
        yield server
    finally:
        server.resume()
        server.kill()
