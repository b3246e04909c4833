"""PostgreSQL says at once that something was committed; what it was, the `changes` table says."""

import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import anyio
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from server.storage.postgres_connection import patience_of

_CHANNEL = "ascend_changes"
#: To be evaluated in the transaction that changes something: PostgreSQL delivers it after the commit, once however often it was said.
NOTIFY = func.pg_notify(_CHANNEL, "")
RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

log = logging.getLogger("ascend")


class Notifications:
    """Listens on a connection of its own, and makes it again when it breaks.

    Nothing depends on them: what never comes (the connection is broken, a pooler keeps no session, a node of the release before
    sends none) costs the delay of a poll.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._wait_s = RETRY_S

    async def run(self, arrived: Callable[[], None]) -> None:
        """Call `arrived` whenever something was committed, and when listening begins; runs until cancelled."""
        # Without a pool: a connection that listened must not be given to anybody else.
        engine = create_async_engine(self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=patience_of(self._url))
        while True:
            try:
                await self._listen(engine, arrived)
            except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError) as error:
                log.warning("notifications_lost", extra={"facts": {"kind": type(error).__name__, "again_in_s": self._wait_s}})
            await anyio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, LONGEST_RETRY_S)

    async def _listen(self, engine: AsyncEngine, arrived: Callable[[], None]) -> None:
        connection = await engine.connect()
        try:
            await connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
            self._wait_s = RETRY_S
            arrived()  # for what was committed before anybody listened
            driver: Any = (await connection.get_raw_connection()).driver_connection
            async with aclosing(driver.notifies()) as notifications:
                async for _ in notifications:
                    arrived()
        finally:
            with anyio.CancelScope(shield=True):
                await connection.close()
