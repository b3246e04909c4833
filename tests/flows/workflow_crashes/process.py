"""Processes that run workflows, and die: what tests/flows/workflow_crashes/workers.py forks.

`work` runs until it is stopped; SIGUSR1 sets its clock an hour forward, SIGUSR2 an hour back.
`be_killed_at_points` has one run after the other started and run by a child, which is killed (SIGKILL) one point later than the one
before: before or after each statement, before the commit, before and after whatever the engine asks of the store.
"""

import os
import signal
import time
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import anyio
from sqlalchemy import event
from sqlalchemy.engine import Engine as SqlEngine

from server.storage.database import Database
from server.storage.workflows.runs.store import SqlRunStore
from tests.flows.workflow_crashes.traced_run import TENANT, Opened, Traces, open_on, start
from tests.waiting import until
from tools.workflows.stores import ENDED

_JUMP_NS = 3600 * 1_000_000_000
#: what the engine asks the store for: a process may die before and after each
_COLLABORATORS = ("claim", "record", "transact", "take_signal", "put_down", "end", "outlook", "beat")


def work(url: str, traces: Path, silence_s: float, said: "Connection[bool, bool]") -> None:
    """Run whatever is due at `url`, and say so once."""
    _let_the_clock_jump()
    anyio.run(_work, url, Traces(traces), silence_s, said)


def be_killed_at_points(url: str, traces: Path, most: int, processes: int, said: "Connection[tuple[int, int], bool]") -> None:
    """Have children killed at up to `most` points, spread over all; say how many points there are, and at how many one died."""
    points = _points_of(url, Traces(traces))
    chosen = sorted({round(n * (points - 1) / (most - 1)) for n in range(most)}) if points > most else list(range(points))
    died, children = 0, 0
    for point in chosen:
        if children >= processes:
            died, children = died + _reap(), children - 1
        if os.fork() == 0:
            _die_at(url, Traces(traces), point)
        children += 1
    died += sum(_reap() for _ in range(children))
    said.send((points, died))


async def _work(url: str, traces: Traces, silence_s: float, said: "Connection[bool, bool]") -> None:
    database = Database(url)
    opened = open_on(database, traces, silence_s)
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(opened.engine.run)
            group.start_soon(_looks_often, opened)
            said.send(True)
            async for _ in signals:
                break
            group.cancel_scope.cancel()
    await database.close()


async def _looks_often(opened: Opened) -> None:
    """Stand in for the change feed: have the engine look whenever somebody may have started a run."""
    while True:
        await anyio.sleep(0.2)
        opened.engine.wake()


def _reap() -> bool:
    """Wait for a child; say whether it was killed."""
    _child, status = os.wait()
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def _points_of(url: str, traces: Traces) -> int:
    """Count the points of a run that nobody kills, in a child: threads and forks do not go together."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        passed = _run_one(url, traces, "whole", count(), None)
        os.write(writing, str(passed).encode())
        os._exit(0)
    os.wait()
    return int(os.read(reading, 20))


def _die_at(url: str, traces: Traces, point: int) -> NoReturn:
    _run_one(url, traces, str(point), count(), point)
    os._exit(0)


def _run_one(url: str, traces: Traces, key: str, points: "count[int]", dies_at: int | None) -> int:
    """Start a run and run it to its end, passing a point wherever something is about to happen or has happened."""

    def passed(*_given: object, **_more: object) -> None:
        if next(points) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def run() -> None:
        database = Database(url)
        # Taking over is for those who live on.
        opened = open_on(database, traces, silence_s=3_000)
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(SqlEngine, name, passed)
        _wrap(SqlRunStore, passed)
        run_id = await start(opened, key)
        async with anyio.create_task_group() as group:
            group.start_soon(opened.engine.run)

            async def is_over() -> bool:
                view = await opened.workflows.show(TENANT, run_id)
                return view is not None and view.state in ENDED

            await until(is_over)
            group.cancel_scope.cancel()
        await database.close()

    anyio.run(run)
    return next(points)


def _wrap(store: type[SqlRunStore], passed: Any) -> None:
    """Pass a point before and after each thing that the engine asks the store for: nothing of it is in the program itself."""
    for name in _COLLABORATORS:

        def wrapped(method: Any) -> Any:
            async def call(self: SqlRunStore, *given: Any, **more: Any) -> Any:
                passed()
                result = await method(self, *given, **more)
                passed()
                return result

            return call

        setattr(store, name, wrapped(getattr(store, name)))


def _let_the_clock_jump() -> None:
    real, jumped = time.time_ns, [0]

    def jump(by_ns: int) -> None:
        jumped[0] += by_ns

    time.time_ns = lambda: real() + jumped[0]
    signal.signal(signal.SIGUSR1, lambda *_: jump(_JUMP_NS))
    signal.signal(signal.SIGUSR2, lambda *_: jump(-_JUMP_NS))
