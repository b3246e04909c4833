"""Sections that end once they have begun, although whoever asked for them goes away meanwhile: a transaction, the record of a plan."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio

#: task -> how many such sections it is in
_depth_by_task: dict[asyncio.Task[Any], int] = {}


@contextmanager
def uninterruptible() -> Iterator[None]:
    """Keep cancellation out until the block ends: that of anyio's scopes, and of those who wait for `until_between`."""
    task = asyncio.current_task()
    assert task is not None
    _depth_by_task[task] = _depth_by_task.get(task, 0) + 1
    try:
        with anyio.CancelScope(shield=True):
            yield
    finally:
        _depth_by_task[task] -= 1
        if not _depth_by_task[task]:
            del _depth_by_task[task]


async def until_between(task: asyncio.Task[Any], look_again_s: float = 0.01) -> None:
    """Return as soon as `task` is in no such section; it is then safe to cancel it, before anything else is awaited.

    A bare `task.cancel()` at any time would tear one; a cancel scope around every call costs a tenth of the call.
    """
    while task in _depth_by_task:  # noqa: ASYNC110  # such sections are short, and an event would cost every one of them
        await asyncio.sleep(look_again_s)
