"""Changes that a node never hears of: none of 100,000 by six writers on PostgreSQL, while one transaction stays open for 6 s.

Two nodes follow the feed as gateways do; the writers are a process of their own. Each transaction announces one to nine changes and
stays open for up to 20 ms, so that they end in another order than they began. How long news take is counted from the return of the
commit; the goal is 0.1 s at p99.

Run: `python -m benchmarks.changes_missed [--changes 100000]`
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import time
from multiprocessing.connection import Connection as Pipe

import anyio

from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import Database, announce
from server.storage.migrate import migrate
from tests.contracts.postgres import postgres_server

WRITERS = 6
SLOW_S = 6.0
GOAL_S = 0.1


class Node:
    """When a node heard of each change first."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.feed = ChangeFeed(self.database)
        self.feed.listen("tokens", self._hear)
        self.heard_at: dict[str, float] = {}

    async def _hear(self, changes: list[Change]) -> None:
        now = time.time()
        for change in changes:
            self.heard_at.setdefault(change.item, now)


def write_all(pipe: Pipe, url: str, count: int) -> None:
    """Write `count` changes and send when each was committed."""
    pipe.send(asyncio.run(_write_all(url, count)))


async def _write_all(url: str, count: int) -> dict[str, float]:
    database, chance = Database(url), random.Random(10)
    left, committed_at = iter(range(count)), dict[str, float]()

    async def write(first_hold_s: float) -> None:
        hold_s = first_hold_s
        while items := [str(number) for _ in range(chance.randint(1, 9)) if (number := next(left, None)) is not None]:
            async with database.write() as connection:
                for item in items:
                    await announce(connection, "tokens", None, item)
                await asyncio.sleep(hold_s)
            committed_at.update(dict.fromkeys(items, time.time()))
            hold_s = chance.choice((0, 0, 0.001, 0.02))

    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(SLOW_S if writer == 0 else 0))
    await database.close()
    return committed_at


async def measure(url: str, count: int) -> bool:
    """Print what the nodes missed and how late they heard; True where both goals are met."""
    await migrate(url)
    nodes = [Node(url), Node(url)]
    ours, theirs = multiprocessing.Pipe()
    async with anyio.create_task_group() as group:
        for node in nodes:
            await node.feed.start()
            group.start_soon(node.feed.run)
        writers = multiprocessing.get_context("spawn").Process(target=write_all, args=(theirs, url, count))
        started = time.monotonic()
        writers.start()
        committed_at: dict[str, float] = await anyio.to_thread.run_sync(ours.recv)
        took_s = time.monotonic() - started
        writers.join()
        await anyio.sleep(2)
        group.cancel_scope.cancel()
    missed = sum(len(committed_at.keys() - node.heard_at.keys()) for node in nodes)
    delays = [node.heard_at[item] - at for node in nodes for item, at in committed_at.items() if item in node.heard_at]
    cuts = statistics.quantiles(delays, n=100)
    p50_ms, p99_ms, longest_ms = (1000 * each for each in (cuts[49], cuts[98], max(delays)))
    print(f"{missed} of {len(committed_at):,} changes missed by two nodes, written by {WRITERS} in {took_s:.0f} s (goal 0)")
    print(f"commit to delivery: p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms (goal {1000 * GOAL_S:.0f}), longest {longest_ms:.0f} ms")
    for node in nodes:
        await node.database.close()
    return missed == 0 and cuts[98] <= GOAL_S


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--changes", type=int, default=100_000)
    given = arguments.parse_args()
    with postgres_server() as url:
        return 0 if asyncio.run(measure(url, given.changes)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
