"""Senders of a data directory, as tests put them together."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from server.config.store import sqlite_url
from server.config_versions.sections.sinks import LogSink
from server.log_sinks.destinations.opened import Destinations
from server.log_sinks.sender import StreamSender
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.shipped_rows import SqlShippedRows, Stream
from server.storage.history.sink_cursors import SinkCursor, SqlSinkCursors
from tests.contracts.history.test_call_history import call
from tools.egress.client import Egress

SECRETS = {"token": b"s3cr3t-of-the-vault"}


def sink(**members: Any) -> LogSink:
    """Return a sink as the configuration gives it."""
    said = {"name": "archive", "streams": ["calls"], "begins": "kept", "max_wait_s": 0.1, **members}
    return TypeAdapter(LogSink).validate_json(orjson.dumps(said))


class Senders:
    """One data directory's stores, and whoever sends from them."""

    def __init__(self, folder: Path | str, egress: Egress, secrets: Mapping[str, bytes] = SECRETS) -> None:
        """`folder`: a data directory, or the URL of one database that has both."""
        urls = [folder] * 2 if isinstance(folder, str) else [sqlite_url(folder / f"{name}.sqlite3") for name in ("ascend", "history")]
        self.store, self.history = map(Database, urls)
        self.reading = SqlShippedRows(self.store, self.history)
        self.cursors = SqlSinkCursors(self.history)
        self.calls = SqlCallHistory(self.history, "node-1")

        async def reveal(name: str) -> bytes | None:
            return secrets.get(name)

        self.destinations = Destinations(egress, reveal, "test")

    def sender(self, of: LogSink, stream: Stream = "calls", owner: str = "", lease_s: float = 60.0) -> StreamSender:
        return StreamSender(of, stream, owner or f"process-{os.getpid()}", self.reading, self.cursors, self.destinations, lease_s=lease_s)

    async def called(self, *operations: str, at_us: int = 1_700_000_000_000_000) -> None:
        await self.calls.append_calls([call(name, at_us=at_us + number) for number, name in enumerate(operations)])

    async def cursor(self, name: str = "archive") -> SinkCursor:
        [found] = [each for each in await self.cursors.all() if each.sink == name]
        return found

    async def close(self) -> None:
        await self.store.close()
        await self.history.close()


@asynccontextmanager
async def opened_senders(folder: Path | str) -> AsyncIterator[Senders]:
    async with Egress(["127.0.0.1:*"]) as egress:
        senders = Senders(folder, egress)
        try:
            yield senders
        finally:
            await senders.close()
