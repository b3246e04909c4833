"""A process that asserts facts: `python -m tests.contracts.context_plane.asserting_process URL name count`, or `… URL killed`.

`killed`: asserts one batch after the other, each in a child that is killed (SIGKILL) one step later than the one before: before or
after each statement, before the commit, and between the commit and the answer. Prints a line for each batch that was acknowledged.
"""

import os
import signal
import sys
from itertools import count
from typing import NoReturn

import anyio
import orjson
from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tests.tools.context_plane.saying import declare_one, fact, say

FACTS = 6


def main(url: str, name: str, batches: int) -> None:
    if name == "killed":
        _killed_at_every_step(url)
    else:
        anyio.run(_assert_all, url, name, batches)


async def assert_batch(store: SqlContextStore, name: str, batch: int) -> None:
    """Assert FACTS facts that get in the way of those of other batches."""
    stages = [fact(f"Account {n}", "stage", f"stage {(batch + n) % 5}", f"2026-01-{1 + batch % 28:02}") for n in range(FACTS - 2)]
    champion = {"kind": "person", "name": f"Person {batch % 7}", "keys": {"email": f"person{batch % 7}@kahuna.example"}}
    more = [fact("Kahuna", "champion", champion), fact("Kahuna", "note", f"from {name} {batch}")]
    await say(store, *stages, *more, source=name, source_id=str(batch), occurred_at=f"2026-02-{1 + batch % 28:02}")


async def _assert_all(url: str, name: str, batches: int) -> None:
    database = Database(url)
    for batch in range(batches):
        await assert_batch(SqlContextStore(database), name, batch)
        _say({"batch": batch})
    await database.close()


def _killed_at_every_step(url: str) -> None:
    anyio.run(_declare, url)
    for step in count():
        child = os.fork()
        if child == 0:
            _die_at(url, step)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return


async def _declare(url: str) -> None:
    database = Database(url)
    await declare_one(SqlContextStore(database), "stage")
    await database.close()


def _die_at(url: str, step: int) -> NoReturn:
    """Assert the batch of that number, die at that step of it; where there is no such step, end well."""
    steps = count()

    def reached(*_given: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async def asserted() -> None:
        database = Database(url)
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, reached)
        await assert_batch(SqlContextStore(database), "killed", step)
        reached()
        _say({"batch": step})
        reached()
        await database.close()

    anyio.run(asserted)
    os._exit(0)


def _say(line: dict[str, int]) -> None:
    os.write(sys.stdout.fileno(), orjson.dumps(line) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
