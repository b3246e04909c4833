"""A thousand runs while processes die, stall, jump in time and lose their store: `python -m benchmarks.workflow_crashes [--runs 1000]`.

On SQLite and on PostgreSQL: a run is killed at every point that it has (`--every-point`), then two processes work on all runs while
something happens to one of them, or to the store, every second or so. Goal: every run ends, no step that is on record runs again, and
every effect in our store is there once; another process has taken over 5 s after a kill with a heartbeat of 3 s.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.migrate import migrate
from tests.contracts.postgres import postgres_server, stopped
from tests.flows.workflow_crashes.traced_run import TENANT, Opened, Traces, assert_whole, on_record, open_on, start
from tests.flows.workflow_crashes.workers import Worker, killed_at_points, workers
from tests.waiting import until
from tools.workflows.stores import RunState

SILENCE_S, MOST_TAKEN_OVER_S = 3.0, 5.0
EVERY_POINT = 1_000_000
OPEN: tuple[RunState, ...] = ("queued", "running", "waiting")


async def points(database: Database, traces: Traces, most: int) -> int:
    """Kill a run at every point; return at how many a process died."""
    found, died = await asyncio.to_thread(killed_at_points, database.url, traces, most)
    opened, runs = open_on(database, traces), set[str]()
    recorded, before = await on_record(database), len(traces.read())
    for point in ("whole", *range(found)):
        run_id = f"{TENANT}:traced:{point}"
        if (view := await opened.workflows.show(TENANT, run_id)) is not None:
            runs.add(run_id)
            if view.state in OPEN:
                await opened.workflows.signal(TENANT, run_id, "go", str(point), key="1")
    with workers(database.url, traces, 2, SILENCE_S):
        await until(lambda: _have_ended(opened), 600)
    again = [line for line in traces.read()[before:] if line["step"] in recorded.get(line["run"], ())]
    assert not again, again
    await assert_whole(database, runs)
    return died


async def chaos(database: Database, traces: Traces, runs: int, dice: random.Random) -> tuple[int, float]:
    """Let `runs` runs end while things happen; return how many happened, and how long it took."""
    opened = open_on(database, traces)
    for n in range(runs):
        await start(opened, f"chaos-{n}", pause_s=dice.choice([0.0, 0.0, 0.05]))
    began, happened = time.monotonic(), 0
    while not await _have_ended(opened):
        with workers(database.url, traces, 2, SILENCE_S) as [first, second]:
            for _ in range(dice.randint(1, 4)):
                await asyncio.sleep(dice.uniform(0.3, 1.5))
                happened += 1
                await _befall(database.url, dice, first if dice.random() < 0.5 else second)
    return happened, time.monotonic() - began


async def _befall(url: str, dice: random.Random, worker: Worker) -> None:
    what = dice.choice(["kill", "stall", "forward", "back", "stop", "restart"])
    if not worker.process.is_alive():
        return
    if what == "kill":
        worker.kill()
    elif what == "stop":
        await asyncio.to_thread(worker.stop)
    elif what == "stall":
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(SILENCE_S * dice.uniform(0.5, 2))
        worker.send(signal.SIGCONT)
    elif what in ("forward", "back"):
        worker.send(signal.SIGUSR1 if what == "forward" else signal.SIGUSR2)
    elif not url.startswith("sqlite"):
        with stopped(url):
            pass


async def taken_over_s(database: Database, traces: Traces, silence_s: float) -> float:
    """Return how long after a kill another process goes on with a run."""
    opened = open_on(database, traces)
    with workers(database.url, traces, 1, silence_s) as [first]:
        run_id = await start(opened, f"left-{silence_s:g}", pause_s=60.0)
        await until(lambda: any(line["run"] == run_id for line in traces.read()))
        with workers(database.url, traces, 1, silence_s):
            first.kill()
            began = time.monotonic()
            await until(lambda: sum(line["run"] == run_id for line in traces.read()) > 1, 60)
            took_s = time.monotonic() - began
    await opened.workflows.cancel(TENANT, run_id)
    return took_s


async def _have_ended(opened: Opened) -> bool:
    return not (await opened.workflows.runs(TENANT, states=OPEN, limit=1)).runs


async def whole(url: str, folder: Path, given: argparse.Namespace) -> bool:
    await migrate(url)
    kind, dice = url.partition("+")[0], random.Random(given.seed)
    database, traces = Database(url), Traces(folder / f"{kind}.traces")
    died = await points(database, traces, EVERY_POINT if given.every_point else 60)
    print(f"{kind}: killed at {died} points: every run ended, no recorded step ran again, every effect is there once")
    happened, took_s = await chaos(database, traces, given.runs, dice)
    opened, cursor, ids = open_on(database, traces), None, set[str]()
    while True:
        page = await opened.workflows.runs(TENANT, limit=200, cursor=cursor)
        ids |= {run.run_id for run in page.runs}
        if (cursor := page.next_cursor) is None:
            break
    await assert_whole(database, ids)
    print(f"{kind}: {given.runs:,} runs, {happened} things happened in {took_s:.0f} s: all ended, every effect once")
    over_s = await taken_over_s(database, traces, SILENCE_S)
    print(f"{kind}: taken over {over_s:.1f} s after a kill (goal {MOST_TAKEN_OVER_S:g}, heartbeat {SILENCE_S:g} s)")
    await database.close()
    return over_s <= MOST_TAKEN_OVER_S


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1_000)
    arguments.add_argument("--seed", type=int, default=15)
    arguments.add_argument("--every-point", action="store_true")
    arguments.add_argument("--store", choices=["sqlite", "postgresql"], action="append")
    given = arguments.parse_args()
    kinds = given.store or ["sqlite", "postgresql"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = [sqlite_url(folder / "store.sqlite3") if kind == "sqlite" else stack.enter_context(postgres_server()) for kind in kinds]
        return 0 if all(asyncio.run(whole(url, folder, given)) for url in urls) else 1


if __name__ == "__main__":
    sys.exit(main())
