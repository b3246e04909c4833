"""Runs end whatever dies: processes killed at every point, stopped for a while, set to another time; stores that go away (issue 15).

Each run ends, no step that is on record runs again, and what steps write in our store is there once. The whole of it, a thousand runs
and every point, is `python -m benchmarks.workflow_crashes`.
"""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from server.config.store import sqlite_url
from server.storage.database import Database
from tests.contracts.databases import empty_database, url_of
from tests.contracts.postgres import postgres_server, stopped
from tests.flows.workflow_crashes.traced_run import TENANT, Opened, Traces, assert_whole, on_record, open_on, start
from tests.flows.workflow_crashes.workers import killed_at_points, workers
from tests.waiting import until
from tools.workflows.stores import ENDED, RunState, RunView

pytestmark = pytest.mark.time_limit(200)
#: of some two hundred
POINTS = 42
OPEN: tuple[RunState, ...] = ("queued", "running", "waiting")


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


@pytest.fixture
def traces(tmp_path: Path) -> Traces:
    return Traces(tmp_path / "traces")


async def all_have_ended(opened: Opened) -> None:
    async def is_over() -> bool:
        return not (await opened.workflows.runs(TENANT, states=OPEN, limit=1)).runs

    await until(is_over, 150)


async def test_a_process_that_is_killed_at_any_point_loses_and_doubles_nothing(database: Database, traces: Traces) -> None:
    """Issue 15: kill -9 at 40 points and more, two processes at a time."""
    points, died = await anyio.to_thread.run_sync(killed_at_points, database.url, traces, POINTS)
    assert points > died >= 40
    opened = open_on(database, traces)
    runs = {run.run_id async for run in _all_runs(opened)}
    assert len(runs) >= 40
    recorded, before = await on_record(database), len(traces.read())
    for run_id in runs:
        # One that was killed before it was signalled.
        key = run_id.rpartition(":")[2]
        view = await opened.workflows.show(TENANT, run_id)
        if view is not None and view.state not in ENDED:
            await opened.workflows.signal(TENANT, run_id, "go", key, key="1")
    with workers(database.url, traces, 2):
        await all_have_ended(opened)
    again = [(line["run"], line["step"]) for line in traces.read()[before:]]
    assert not [(run_id, step) for run_id, step in again if step in recorded.get(run_id, ())]
    await assert_whole(database, runs)


async def _all_runs(opened: Opened) -> AsyncIterator[RunView]:
    cursor = None
    while True:
        page = await opened.workflows.runs(TENANT, limit=200, cursor=cursor)
        for run in page.runs:
            yield run
        if (cursor := page.next_cursor) is None:
            return


async def test_a_process_that_comes_back_after_it_was_taken_for_dead_writes_nothing(database: Database, traces: Traces) -> None:
    """SIGSTOP beyond the heartbeat: the step that was under way may run twice, its record and all effects are there once."""
    opened = open_on(database, traces)
    with workers(database.url, traces, 1, silence_s=1.0) as [first]:
        run_id = await start(opened, "stalled", pause_s=1.0)
        await until(lambda: bool(traces.read()))
        first.send(signal.SIGSTOP)
        with workers(database.url, traces, 1, silence_s=1.0) as [second]:
            await all_have_ended(opened)
            assert {line["pid"] for line in traces.read() if line["step"] == "first"} == {first.pid, second.pid}
            first.send(signal.SIGCONT)
            after = await start(opened, "afterwards")
            await all_have_ended(opened)
            assert second.stop() == 0
            last = await start(opened, "by the first")
            await all_have_ended(opened)
        assert first.stop() == 0
    assert not [line for line in traces.read() if line["run"] == run_id and line["pid"] == first.pid and line["step"] != "first"]
    await assert_whole(database, {run_id, after, last})


async def test_a_process_that_is_stopped_in_good_order_leaves_its_runs_to_others_at_once(database: Database, traces: Traces) -> None:
    """Not after half a minute: nobody has to find out that it is gone."""
    opened = open_on(database, traces)
    with workers(database.url, traces, 1, silence_s=3_000) as [first]:
        runs = {await start(opened, str(n), pause_s=0.3) for n in range(12)}
        await until(lambda: len(traces.read()) >= 8)
        assert first.stop() == 0
        done = await on_record(database)
        with workers(database.url, traces, 1, silence_s=3_000):
            await all_have_ended(opened)
    begun = [(line["run"], line["step"]) for line in traces.read() if line["pid"] != first.pid]
    assert not [(run_id, step) for run_id, step in begun if step in done.get(run_id, ())]
    await assert_whole(database, runs)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2], ids=["forward", "back"])
async def test_a_clock_that_jumps_an_hour_takes_over_nothing_for_good_and_holds_up_nothing(
    tmp_path: Path, traces: Traces, number: signal.Signals
) -> None:
    async with empty_database(sqlite_url(tmp_path / "store.sqlite3")) as database:
        opened = open_on(database, traces)
        with workers(database.url, traces, 2, silence_s=1.0) as [first, _second]:
            runs = {await start(opened, str(n), pause_s=0.3) for n in range(8)}
            await until(lambda: bool(traces.read()))
            first.send(number)
            runs |= {await start(opened, f"then {n}", pause_s=0.1) for n in range(8)}
            await all_have_ended(opened)
        await assert_whole(database, runs)


async def test_what_a_process_leaves_whose_clock_is_an_hour_ahead_is_taken_up_at_once(tmp_path: Path, traces: Traces) -> None:
    """Its "now" is in an hour for everybody else: of runs it gave back, and of steps that were to wait for a moment."""
    async with empty_database(sqlite_url(tmp_path / "store.sqlite3")) as database:
        opened = open_on(database, traces)
        with workers(database.url, traces, 1, silence_s=1.0) as [first]:
            first.send(signal.SIGUSR1)
            runs = {await start(opened, str(n), pause_s=0.3) for n in range(8)}
            await until(lambda: len(traces.read()) > 8)
            assert first.stop() == 0
        with workers(database.url, traces, 1, silence_s=1.0):
            await all_have_ended(opened)
        await assert_whole(database, runs)


async def test_runs_outlast_a_postgresql_that_restarts_in_the_middle_of_them(request: pytest.FixtureRequest, traces: Traces) -> None:
    url = url_of("postgresql", request, traces.path.parent)
    async with empty_database(url) as database:
        opened = open_on(database, traces)
        with workers(url, traces, 2, silence_s=3.0):
            runs = {await start(opened, str(n), pause_s=0.05) for n in range(24)}
            for seen in (4, 16):
                await until(lambda seen=seen: len(traces.read()) > seen)  # type: ignore[misc]
                with stopped(url):
                    pass
            await all_have_ended(opened)
        await assert_whole(database, runs)


async def test_runs_end_while_processes_die_one_after_the_other(database: Database, traces: Traces) -> None:
    """A sample of the thousand runs of the benchmark."""
    opened = open_on(database, traces)
    runs = {await start(opened, str(n)) for n in range(16)}
    for killed_after in (20, 60):
        with workers(database.url, traces, 2, silence_s=1.0) as [first, _second]:
            await until(lambda most=killed_after: len(traces.read()) > most)  # type: ignore[misc]
            first.kill()
    with workers(database.url, traces, 2, silence_s=1.0):
        await all_have_ended(opened)
    await assert_whole(database, runs)
