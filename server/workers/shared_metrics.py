"""Each worker tells what it counts on a Unix socket in the data directory; whoever is asked for all asks the others."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio
from prometheus_client import CollectorRegistry

from server.observability.metric_sums import summed, told

#: of one worker; one that is busier than that counts as silent
ANSWER_S = 1.5
MAX_BYTES = 4 << 20


class Workers:
    """The workers of a gateway, as the one with this `number` (from 0) sees them. Siblings of server/observability."""

    def __init__(self, data_dir: Path, number: int, count: int) -> None:
        self._places, self._number, self._count = Places(data_dir), number, count

    async def exposition(self, own: CollectorRegistry) -> bytes:
        said = {str(self._number + 1): told(own)} | await self._places.ask(each for each in range(self._count) if each != self._number)
        return summed(dict(sorted(said.items(), key=lambda each: int(each[0]))))

    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
        return {"workers": self._missing}

    async def _missing(self) -> str | None:
        answering = 1 + len(await self._places.ask(each for each in range(self._count) if each != self._number))
        return None if answering == self._count else f"{answering} of {self._count} answer"

    @asynccontextmanager
    async def telling(self, registry: CollectorRegistry) -> AsyncIterator[None]:
        """Answer the others while entered."""

        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                writer.write(told(registry))
                await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(answer, sock=self._places.taken(self._number))
        try:
            yield
        finally:
            server.close()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes. Raises OSError beyond MAX_BYTES: whoever says so much is no worker of ours."""
    said = bytearray()
    while piece := await reader.read(1 << 16):
        said += piece
        if len(said) > MAX_BYTES:
            raise OSError("a worker told too much")
    return bytes(said)


class Places:
    """Where the workers of a data directory answer: `workers/1.sock`, open to their owner alone."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "workers"

    def begin(self) -> None:
        """Make the folder, without what workers of before left there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It may be there from before, made by whoever; a worker's place is taken by whoever may write here.
        self._folder.chmod(0o700)
        self.clear()

    def clear(self) -> None:
        for left in self._folder.glob("*.sock"):
            left.unlink(missing_ok=True)

    def numbers(self) -> list[int]:
        """Return the numbers of the workers that have a place, from 0."""
        return sorted(int(each.stem) - 1 for each in self._folder.glob("*.sock") if each.stem.isdigit())

    def taken(self, number: int) -> socket.socket:
        """Return a socket at the place of a worker; the one before it there may still end what is under way."""
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with self._path(number) as path:
                Path(path).unlink(missing_ok=True)
                taken.bind(path)
        except OSError:
            taken.close()
            raise
        return taken

    @contextmanager
    def _path(self, number: int) -> Iterator[str]:
        """Give the path of a socket in a form that fits an address (sun_path: 108 bytes), however deep the data directory is."""
        name = f"{number + 1}.sock"
        if sys.platform != "linux":
            yield str(self._folder / name)
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)

    async def ask(self, numbers: Iterable[int]) -> dict[str, bytes]:
        """Return what these workers tell, by the numbers that people know; who is silent is left out."""
        said: dict[str, bytes] = {}

        async def ask(number: int) -> None:
            with anyio.move_on_after(ANSWER_S), suppress(OSError), self._path(number) as path:
                reader, writer = await asyncio.open_unix_connection(path, limit=MAX_BYTES)
                try:
                    said[str(number + 1)] = await _whole(reader)
                finally:
                    writer.close()

        async with anyio.create_task_group() as group:
            for number in numbers:
                group.start_soon(ask, number)
        return said
