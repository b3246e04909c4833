"""All log sinks of a process: begun, changed and ended as the configuration says, without a restart."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from server.config_versions.sections.sinks import LogSink, Sinks
from server.log_sinks.destinations.opened import Destinations
from server.log_sinks.sender import ReadsRows, StreamSender
from server.storage.history.shipped_rows import Stream
from server.storage.history.sink_cursors import SqlSinkCursors

#: how soon a change of the configuration is taken over
LOOK_S = 1.0


@dataclass(slots=True)
class LogSinks:
    """One sender for each stream of each sink; of those in several processes the one with the lease sends."""

    settings: Callable[[], Sinks]
    reading: ReadsRows
    cursors: SqlSinkCursors
    destinations: Destinations
    owner: str = field(default_factory=lambda: f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(4)}")
    _running: dict[tuple[str, Stream], tuple[StreamSender, anyio.CancelScope]] = field(default_factory=dict)

    async def run(self) -> None:
        """Send until cancelled. A sink that hangs or fails holds up no other."""
        async with anyio.create_task_group() as group:
            while True:
                self._follow(group)
                await anyio.sleep(LOOK_S)

    def senders(self) -> Iterator[StreamSender]:
        """Yield what sends in this process, or would if it had the lease."""
        for sender, _ in list(self._running.values()):
            yield sender

    def _follow(self, group: TaskGroup) -> None:
        wanted: dict[tuple[str, Stream], LogSink] = {(sink.name, stream): sink for sink in self.settings().logs for stream in sink.streams}
        for key, (sender, scope) in list(self._running.items()):
            if wanted.get(key) != sender.sink:
                scope.cancel()
                del self._running[key]
        for key, sink in wanted.items():
            if key not in self._running:
                sender = StreamSender(sink, key[1], self.owner, self.reading, self.cursors, self.destinations)
                self._running[key] = (sender, anyio.CancelScope())
                group.start_soon(self._within, *self._running[key])

    async def _within(self, sender: StreamSender, scope: anyio.CancelScope) -> None:
        with scope:
            await sender.run()
