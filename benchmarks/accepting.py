"""How connections are spread over two busy processes: one socket that both accept from, or a socket each (decision 0076)."""

import asyncio
import os
import signal
import socket
import statistics
import time
from collections.abc import Callable

import uvloop

ROUNDS = 12
#: of both, so that each is busy when the next connection comes
WORK_S = 0.001
#: connections, and seconds between two (None: all at once)
ARRIVALS = ((16, None), (64, None), (16, 0.003), (64, 0.003))


class Busy(asyncio.Protocol):
    """Works for a millisecond, then says who it is."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as a stream connection gives it
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        until_s = time.perf_counter() + WORK_S
        while time.perf_counter() < until_s:
            pass
        if self._transport is not None:
            self._transport.write(self._name)


def show_accepting() -> None:
    """Print the share of the process that got more, for each way and arrival."""
    for way, has_own_sockets, serve in (
        ("one socket", False, _all),
        ("one socket, one at a time", False, _one),
        ("a socket each", True, _all),
    ):
        first = _listening(0)
        sockets = [first, _listening(first.getsockname()[1]) if has_own_sockets else first]
        processes = [_forked(each, name, serve) for each, name in zip(sockets, (b"1", b"2"), strict=True)]
        try:
            time.sleep(0.5)
            for count, gap_s in ARRIVALS:
                shares = []
                for _ in range(ROUNDS):
                    of_first = asyncio.run(_connect(first.getsockname()[1], count, gap_s))
                    shares.append(max(of_first, count - of_first) / count)
                how = "at once" if gap_s is None else f"every {gap_s * 1000:g} ms"
                print(f"{way}: {count} connections {how}: share of the busier {statistics.mean(shares):.2f}, worst {max(shares):.2f}")
        finally:
            for process in processes:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            for each in set(sockets):
                each.close()


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def _forked(listener: socket.socket, name: bytes, serve: Callable[[socket.socket, bytes], None]) -> int:
    process = os.fork()
    if process == 0:
        try:
            serve(listener, name)
        finally:
            os._exit(1)
    return process


def _all(listener: socket.socket, name: bytes) -> None:
    """Accept as servers do: all that wait."""

    async def serve() -> None:
        await asyncio.get_running_loop().create_server(lambda: Busy(name), sock=listener, backlog=2048)
        await asyncio.Event().wait()

    uvloop.run(serve())


def _one(listener: socket.socket, name: bytes) -> None:
    """Accept one, and look at everything else before the next."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        taken: set[asyncio.Task[object]] = set()

        def accept() -> None:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            task: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(lambda: Busy(name), connection))
            taken.add(task)
            task.add_done_callback(taken.discard)

        loop.add_reader(listener.fileno(), accept)
        await asyncio.Event().wait()

    uvloop.run(serve())


async def _connect(port: int, count: int, gap_s: float | None) -> int:
    """Return how many of `count` connections the first process got."""

    async def one() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        who = await reader.read(1)
        writer.close()
        return who == b"1"

    asked = []
    for _ in range(count):
        asked.append(asyncio.create_task(one()))
        if gap_s is not None:
            await asyncio.sleep(gap_s)
    return sum(await asyncio.gather(*asked))
