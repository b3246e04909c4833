"""Waiting for what has no event: a look at it again and again, with a deadline. The one place of the tests that lets time pass."""

import inspect
import threading
import time
from collections.abc import Awaitable, Callable

import anyio

LIMIT_S = 60.0
#: between two looks: at first, and later on a twentieth of what was waited, so that a look that costs something takes little of the time
PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.1


async def until(holds: Callable[[], bool | Awaitable[bool]], limit_s: float = LIMIT_S) -> None:
    """Wait until something holds that happens in a thread, a process or a task of others. Raises TimeoutError."""
    began = time.monotonic()
    with anyio.fail_after(limit_s):
        while not await _now(holds):  # noqa: ASYNC110  what has an event is waited for by it
            await anyio.sleep(_pause_s(began))


def until_here(holds: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait without an event loop. Raises TimeoutError."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() > began + limit_s:
            raise TimeoutError(f"it did not happen within {limit_s:g} s")
        threading.Event().wait(_pause_s(began))


async def _now(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = holds()
    return await found if inspect.isawaitable(found) else found


def _pause_s(began: float) -> float:
    return min(LONGEST_PAUSE_S, max(PAUSE_S, (time.monotonic() - began) / 20))
