"""Engines: how every connection to the store is set up, and transactions that run whole in a thread."""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.storage.postgres_connection import POOL_WAIT_S, PostgresLimits, configure_postgres, patience_of
from server.storage.sqlite_connection import connect

BUSY_TIMEOUT_MS = 10_000
THREADS_IN_SQLITE, THREADS_IN_POSTGRES = 1, 4
READERS_IN_THREADS = 4
Result = TypeVar("Result")


# All hide their parameters: a statement that fails is logged, and what it was to write is others' data.


def engine_for(url: str, begin: str, pool_size: int, limits: PostgresLimits | None = None) -> AsyncEngine:
    """Return an engine whose transactions start with the statement `begin` in SQLite, and so hold tables made and changed too.

    `limits` None: what is done there may take as long as it takes, as migrations do.
    """
    if not url.startswith("sqlite"):
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=True,
            connect_args=patience_of(url),
            hide_parameters=True,
        )
        if limits is not None:
            configure_postgres(engine.sync_engine, limits)
        return engine
    # Set up where it is opened, in its thread: as an event, each setting would be a change of threads (decision 0077).
    opened = {"async_creator_fn": partial(connect, set_up_sqlite)}
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, connect_args=opened, hide_parameters=True)
    _begin_by(engine.sync_engine, begin)
    return engine


def configure_sqlite(engine: Engine, begin: str, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
    """Have every connection of `engine` set up as all of ours are, and every transaction start with the statement `begin`."""
    event.listen(engine, "connect", lambda connection, _record: set_up_sqlite(connection, synchronous))
    _begin_by(engine, begin)


def set_up_sqlite(connection: sqlite3.Connection, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
    """Set up a connection that was opened just now, in its thread."""
    connection.isolation_level = None  # We say BEGIN ourselves, below.
    # synchronous=FULL: a rotated refresh token must be on disk before the client hears of it (power loss included).
    # secure_delete: what is forgotten is overwritten, in whatever page a row ever stood.
    settings = ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON")
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", *settings):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_by(engine: Engine, begin: str) -> None:
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))


class ThreadedTransactions:
    """Transactions that run in a thread from their first statement to their last; connections of their own, made when one is needed."""

    def __init__(self, url: str, limits: PostgresLimits, *, survives_power_cut: bool = True) -> None:
        self._limits = limits
        self._is_sqlite = url.startswith("sqlite")
        self._survives_power_cut = survives_power_cut
        self._limit = THREADS_IN_SQLITE if self._is_sqlite else THREADS_IN_POSTGRES
        if self._is_sqlite:
            # aiosqlite is the same driver in a thread of its own.
            self._engine = create_engine(
                make_url(url).set(drivername="sqlite"), pool_size=self._limit, max_overflow=0, hide_parameters=True
            )
            configure_sqlite(self._engine, "BEGIN IMMEDIATE", "FULL" if survives_power_cut else "NORMAL")
        else:
            self._engine = create_engine(
                url, pool_size=self._limit, max_overflow=0, pool_pre_ping=True, connect_args=patience_of(url), hide_parameters=True
            )
            configure_postgres(self._engine, limits)
        self._threads: anyio.CapacityLimiter | None = None

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._limit)
        return await anyio.to_thread.run_sync(self._run, work, limiter=self._threads)

    async def alone(self, statement: str) -> bool:
        """Run a statement that is no part of a transaction, like VACUUM; False where others were in its way."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._limit)
        return await anyio.to_thread.run_sync(self._alone, statement, limiter=self._threads)

    def close(self) -> None:
        self._engine.dispose()

    def _alone(self, statement: str) -> bool:
        if self._is_sqlite:
            raw = self._engine.raw_connection()
            try:
                cursor = raw.cursor()
                cursor.execute(statement)
                # A checkpoint says first whether it was kept from its end.
                row = cursor.fetchone()
                return row is None or not row[0]
            finally:
                raw.close()
        first, *_others = self._limits.statements
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Upkeep takes as long as it takes.
            connection.execute(text("SET statement_timeout = 0"))
            try:
                connection.execute(text(statement))
            finally:
                connection.execute(text(first))
        return True

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.begin() as connection:
            if not self._is_sqlite and not self._survives_power_cut:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            return work(connection)


class ThreadedSnapshots:
    """Reading that runs in a thread from its first statement to its last, all of it on one snapshot; nothing it writes is kept."""

    def __init__(self, url: str, limits: PostgresLimits) -> None:
        self._limit = READERS_IN_THREADS
        if url.startswith("sqlite"):
            self._engine = create_engine(
                make_url(url).set(drivername="sqlite"), pool_size=self._limit, max_overflow=0, hide_parameters=True
            )
            configure_sqlite(self._engine, "BEGIN")
        else:
            patience = patience_of(url)
            self._engine = create_engine(
                url,
                pool_size=self._limit,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args=patience,
                isolation_level="REPEATABLE READ",
                hide_parameters=True,
            )
            configure_postgres(self._engine, limits)
        self._threads: anyio.CapacityLimiter | None = None

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._limit)
        return await anyio.to_thread.run_sync(self._run, work, limiter=self._threads)

    def close(self) -> None:
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.connect() as connection:
            return work(connection)
