"""Waiting for a store that is away: what a run has done is worth more than the time that it takes to say so."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.storage.database import StoreUnavailable

FIRST_S, LONGEST_S = 0.1, 5.0

Result = TypeVar("Result")
log = logging.getLogger("ascend.workflows")


async def patiently(write: Callable[[], Awaitable[Result]]) -> Result:
    """Do a write that is harmless to repeat until the store answers. Raises StoreUnavailable for what no waiting mends."""
    wait_s = FIRST_S
    while True:
        try:
            return await write()
        except StoreUnavailable as error:
            if not _passes(error.__cause__):
                raise
            log.warning("workflow_store_away", extra={"facts": {"kind": type(error.__cause__).__name__, "again_in_s": wait_s}})
        await anyio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_S)


def _passes(cause: BaseException | None) -> bool:
    if isinstance(cause, DBAPIError) and cause.connection_invalidated:
        return True
    return isinstance(cause, OperationalError | InterfaceError | PoolTimeout)
