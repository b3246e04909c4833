"""Nodes that die: `python -m tests.contracts.schedules.killed_scheduler URL`.

Each hour a scheduler looks, in a child that is killed (SIGKILL) one step later than the one before: before each statement and
before each commit. Ends when one lives through its look. Prints the hour after each.
"""

import os
import signal
import sys
from itertools import count
from typing import NoReturn

import anyio
from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.storage.database import Database
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.contracts.schedules.run_rows import RunRows
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule
from tools.workflows.schedules.slots import Slots

TEN = 1_795_860_000_000_000  # 2026-11-28T10:00Z
HOUR = 3600 * 1_000_000
HOURLY = Schedule("acme", "hourly", "report", Cron("0 * * * *", "UTC"), next_at_us=TEN)


def main(url: str) -> None:
    for step in count():
        child = os.fork()
        if child == 0:
            _die_at(url, step)
        _, status = os.waitpid(child, 0)
        anyio.run(_look_and_end, url, TEN + step * HOUR + 1)
        sys.stdout.write(f"{step}\n")
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return


def _die_at(url: str, step: int) -> NoReturn:
    steps = count()

    def reached(*_given: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, reached)
    anyio.run(_look, url, TEN + step * HOUR)
    os._exit(0)


async def _look(url: str, now_us: int) -> None:
    database = Database(url)
    await Slots(SqlScheduleStore(database), RunRows(database)).take_due(now_us)
    await database.close()


async def _look_and_end(url: str, now_us: int) -> None:
    """Look as another node does before the next hour, and have what was started end."""
    database = Database(url)
    store = SqlScheduleStore(database)
    await Slots(store, RunRows(database)).take_due(now_us)
    for run in await store.all_unended(9):
        await store.end(run, "succeeded", now_us)
    await database.close()


if __name__ == "__main__":
    main(sys.argv[1])
