"""How long a read may take: whoever asks for much is told so, and holds up nobody (operations contract, "Tables")."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")

#: steps of SQLite's machine between two looks at the clock: some tenths of a millisecond
_STEPS = 10_000
#: PostgreSQL's word for a statement that was ended (appendix A, class 57)
_QUERY_CANCELED = "57014"
_DEADLINE: ContextVar[float | None] = ContextVar("read_deadline", default=None)


class ReadTooLong(Exception):
    """A read took longer than it may, and was ended."""


@contextmanager
def reads_within(seconds: float) -> Iterator[None]:
    """End what is read within, all of it together, when so much time has passed. It raises ReadTooLong then."""
    token = _DEADLINE.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def deadline() -> float | None:
    """Return until when the present task may read, by the monotonic clock; None: as long as it takes."""
    return _DEADLINE.get()


def limited(work: Callable[[Connection], Result], until: float) -> Callable[[Connection], Result]:
    """Return `work`, ended at `until`."""

    def run(connection: Connection) -> Result:
        if connection.dialect.name != "sqlite":
            connection.execute(_statement_timeout(until))
            return work(connection)
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            return work(connection)
        finally:
            driver.set_progress_handler(None, 0)

    return run


async def limit(connection: AsyncConnection, until: float) -> None:
    """End what is read on `connection` at `until`; `unlimit` before somebody else has it."""
    if connection.dialect.name != "sqlite":
        await connection.execute(_statement_timeout(until))
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)


async def unlimit(connection: AsyncConnection) -> None:
    """Take the limit off; in PostgreSQL it has ended with the transaction."""
    if connection.dialect.name == "sqlite":
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.set_progress_handler(None, 0)


def was_ended(error: Exception) -> bool:
    """Say whether a statement failed because its time was over."""
    original = getattr(error, "orig", None)
    return getattr(original, "sqlstate", None) == _QUERY_CANCELED or getattr(original, "sqlite_errorname", "") == "SQLITE_INTERRUPT"


def _statement_timeout(until: float) -> Any:
    # 0 would be no limit at all.
    left_ms = max(1, round((until - time.monotonic()) * 1_000))
    return text(f"SET LOCAL statement_timeout = {left_ms}")
