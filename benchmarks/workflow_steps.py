"""What durable work costs: a step, short runs a second, a gateway that has a run waiting: `python -m benchmarks.workflow_steps`.

A step is measured beside a bare transaction of the same two rows in the same run, both durable: SQLite with synchronous=FULL, PostgreSQL
with fsync. Runs a second: those of one step, queued beforehand, with two processes. Idle: this gateway's process with one run that waits
for a signal, less the same process before. The best of several counts; on a busy machine read the ratios.
"""

import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
from sqlalchemy import Connection, func, insert, select, update

from server.config.store import sqlite_url
from server.storage.database import Database, now_us
from server.storage.migrate import migrate
from server.storage.schema.workflows.workflow_tables import workflow_marks, workflow_runs
from server.storage.workflows.runs.new_runs import QueuedRun, enqueue
from tests.contracts.postgres import postgres_server
from tests.contracts.workflows.workflow_engines import TENANT, durable_on, running
from tests.gateway import opened
from tests.waiting import until
from tools.operation import Json
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow

MOST_SQLITE_MS, MOST_POSTGRES_MS = 15.0, 6.0
LEAST_RUNS_A_SECOND = 100.0
MOST_IDLE_MB, MOST_IDLE_SHARE = 35.0, 0.01
STEPS, ROUNDS, RUNS, IDLE_S = 150, 3, 600, 10.0


#: seconds that the last run's body took in this process
took_s = 0.0


async def body(run: Run, given: Mapping[str, Json]) -> Json:
    global took_s

    async def work() -> Json:
        return None

    began = time.perf_counter()
    for n in range(given["steps"]):
        await run.step(f"step {n}", work)
    took_s = time.perf_counter() - began
    return None


async def waits(run: Run, given: Mapping[str, Json]) -> Json:
    return await run.wait("for it", "go", 3600)


async def step_ms(url: str) -> tuple[float, float]:
    """Return what a further step takes, and a bare transaction of an update and an insert."""
    database = Database(url)
    step, bare = float("inf"), float("inf")
    async with running(durable_on(database)) as durable:
        durable.add("steps", body)
        for n in range(ROUNDS):
            # Nobody looks on: whoever asks how far a run is takes its time.
            await durable.workflows.start(TENANT, "steps", {"steps": STEPS})
            await until(lambda n=n: durable.engine.ended["succeeded"] > n)  # type: ignore[misc]
            step = min(step, took_s / STEPS * 1000)
            began = time.perf_counter()
            for row in range(STEPS):
                await database.transact(partial(_bare, name=f"{n}-{row}"))
            bare = min(bare, (time.perf_counter() - began) / STEPS * 1000)
    await database.close()
    return step, bare


def _bare(connection: Connection, name: str) -> None:
    connection.execute(update(workflow_runs).where(workflow_runs.c.tenant_id == TENANT).values(updated_at=now_us()))
    connection.execute(insert(workflow_marks).values(tenant_id=TENANT, name=name, value="null", updated_at=now_us()))


async def runs_a_second(url: str, processes: int) -> float:
    """Return how many queued runs of one step end in a second."""
    database = Database(url)

    def queue(connection: Connection) -> None:
        for n in range(RUNS):
            enqueue(connection, QueuedRun(f"tenant-{n % 7}", "steps", f"short-{n}", {"steps": 1}, "manual"))

    await database.transact(queue)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_worker, args=(url,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    c = workflow_runs.c
    ended = select(func.count(), func.min(c.ended_at), func.max(c.ended_at)).where(c.tenant_id.like("tenant-%"), c.state == "succeeded")
    while True:
        async with database.read() as connection:
            count, first_us, last_us = (await connection.execute(ended)).one()
        if count == RUNS:
            break
        await asyncio.sleep(0.2)
    for worker in workers:
        worker.terminate()
        worker.join()
    await database.close()
    return float((RUNS - 1) / ((last_us - first_us) / 1_000_000))


def _worker(url: str) -> None:
    async def work() -> None:
        durable = durable_on(Database(url))
        durable.add("steps", body)
        await durable.engine.run()

    anyio.run(work)


def idle(folder: str) -> tuple[float, float]:
    """Return what a waiting run costs a gateway: resident MB, and the share of a core."""

    async def measured() -> tuple[float, float]:
        async with opened(Path(folder)) as gateway:
            await asyncio.sleep(2)
            before_mb, before_share = _resident_mb(), await _share()
            gateway.work.registry.add(Workflow("waits", "1", waits))
            await gateway.work.workflows.start("default", "waits", {})
            await asyncio.sleep(3)
            return _resident_mb() - before_mb, await _share() - before_share

    return anyio.run(measured)


async def _share() -> float:
    began, spent = time.perf_counter(), sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    await asyncio.sleep(IDLE_S)
    return (sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - spent) / (time.perf_counter() - began)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def main() -> int:
    is_good = True

    def say(what: str, value: float, unit: str, goal: str, holds: bool) -> None:
        nonlocal is_good
        is_good = is_good and holds
        print(f"{what}: {value:.2f} {unit} (goal {goal}){'' if holds else '  MISSED'}")

    with ExitStack() as stack:
        # Beside this file, on a disk: what is kept in memory waits for nothing.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path(__file__).parent)))
        sqlite = sqlite_url(folder / "steps.sqlite3")
        asyncio.run(migrate(sqlite))
        step, bare = asyncio.run(step_ms(sqlite))
        say(f"SQLite, a further step ({step / bare:.1f} bare transactions of {bare:.2f} ms)", step, "ms", "15", step <= MOST_SQLITE_MS)
        mb, share = idle(str(folder / "idle"))
        say("idle with a waiting run, resident memory more", mb, "MB", "35", mb <= MOST_IDLE_MB)
        say("idle with a waiting run, of a core more", share * 100, "%", "1", share <= MOST_IDLE_SHARE)
        postgres = stack.enter_context(postgres_server(survives_power_cut=True))
        asyncio.run(migrate(postgres))
        step, bare = asyncio.run(step_ms(postgres))
        label = f"PostgreSQL, a further step ({step / bare:.1f} bare transactions of {bare:.2f} ms)"
        say(label, step, "ms", "6", step <= MOST_POSTGRES_MS)
        rate = asyncio.run(runs_a_second(postgres, 2))
        say("PostgreSQL, short runs with two processes", rate, "a second", "100", rate >= LEAST_RUNS_A_SECOND)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
