"""The scheduler on both databases: slots while nobody was there, predecessors that still run, clocks that jump, what is idle."""

import logging
from dataclasses import replace

import anyio
import pytest

from server.storage.database import Database
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.contracts.schedules.run_rows import RunRows
from tests.waiting import until
from tools.workflows.schedules.builtin import builtin_schedules
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.schedules.scheduler import Scheduler
from tools.workflows.schedules.slots import Slots
from tools.workflows.stores import RunView

TEN = 1_795_860_000_000_000  # 2026-11-28T10:00Z
MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
YEAR = 365 * 24 * HOUR
HOURLY = Schedule("acme", "hourly", "report", Cron("0 * * * *", "UTC"), next_at_us=TEN)


class Node:
    """A scheduler with a clock that the test sets."""

    def __init__(self, database: Database, runs: RunRows, now_us: int = TEN - 1, **parts: object) -> None:
        self.store, self.runs, self.now_us = SqlScheduleStore(database), runs, now_us
        self.said: list[tuple[str, int]] = []
        self.slots = Slots(self.store, runs, missed=self._missed, **parts)  # type: ignore[arg-type]
        self.scheduler = Scheduler(self.slots, clock_us=lambda: self.now_us)

    def _missed(self, schedule: Schedule, run: ScheduleRun) -> None:
        self.said.append((schedule.name, run.missed))

    async def at(self, now_us: int) -> None:
        self.now_us = now_us
        await self.slots.take_due(now_us)
        await self.runs.take()

    async def states(self, name: str = "hourly") -> list[tuple[str, str, int]]:
        """Return (state, cause, missed), oldest first."""
        return [(run.state, run.cause, run.missed) for run in reversed(await self.store.runs("acme", name, 99))]


def slots_of(runs: RunRows) -> list[str]:
    return [run_id.partition("@")[2] for run_id in runs.started]


async def test_slots_that_nobody_was_there_for_are_one_run_and_are_said(sql_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Down from before ten until half past one: ten o'clock is started, three later ones are counted."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    with caplog.at_level(logging.WARNING, "ascend.schedules"):
        await node.at(TEN + 3 * HOUR + 30 * MINUTE)
    assert slots_of(runs) == ["20261128T100000Z"]
    assert await node.states() == [("started", "catch_up", 3)]
    assert node.said == [("hourly", 3)]
    assert "schedule_slots_missed" in caplog.text
    await node.at(TEN + 4 * HOUR)
    assert slots_of(runs)[1:] == ["20261128T140000Z"]
    assert (await node.states())[1] == ("started", "slot", 0)


async def test_a_slot_whose_predecessor_still_runs_is_skipped_and_says_so(sql_database: Database) -> None:
    """The one after it starts, once the predecessor has ended."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    runs.becomes = "running"
    await node.at(TEN)
    runs.becomes = "succeeded"
    await node.at(TEN + HOUR)
    [skipped, first] = await node.store.runs("acme", "hourly", 9)
    assert (skipped.state, skipped.reason) == ("skipped", f"its predecessor {first.run_id} still runs")
    assert node.said == [("hourly", 0)]
    await runs.end(runs.started[0], "failed")
    await node.at(TEN + 2 * HOUR)
    assert [state for state, _cause, _missed in await node.states()] == ["failed", "skipped", "started"]
    assert len(runs.started) == 2


async def test_a_clock_that_went_a_year_ahead_and_came_back_loses_and_doubles_nothing(sql_database: Database) -> None:
    """Ahead: one run. Back: the slots of today, but the one that was started then."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    await node.at(TEN - 30 * MINUTE + YEAR)
    assert slots_of(runs) == ["20261128T100000Z"]
    await node.slots.return_to(TEN - 29 * MINUTE)
    for minutes in range(-29, 125, 9):
        await node.at(TEN + minutes * MINUTE)
    assert slots_of(runs) == ["20261128T100000Z", "20261128T110000Z", "20261128T120000Z"]


async def test_a_clock_that_is_set_back_over_a_slot_starts_it_once(sql_database: Database) -> None:
    """By five seconds, as time servers do, and by two days."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    await node.at(TEN)
    await node.slots.return_to(TEN - 5_000_000)
    await node.at(TEN)
    assert slots_of(runs) == ["20261128T100000Z"]
    await node.slots.return_to(TEN - 48 * HOUR)
    assert await node.store.next_due_us() == TEN - 47 * HOUR


async def test_what_the_gateway_brings_starts_where_there_is_something_to_look_at(sql_database: Database) -> None:
    """And for tenants that are not suspended; a schedule that somebody set has no lookout."""
    runs = RunRows(sql_database)
    asked: list[str] = []

    async def looks(tenant_id: str) -> bool:
        asked.append(tenant_id)
        return tenant_id == "acme"

    lookouts = dict.fromkeys(("token-health", "hourly"), looks)
    node = Node(sql_database, runs, lookouts=lookouts, is_live=lambda tenant_id: tenant_id != "gone")
    for tenant_id in ("acme", "globex", "gone"):
        brought = [each for each in builtin_schedules(tenant_id, TEN) if each.name == "token-health"]
        await node.store.add_missing([replace(each, next_at_us=TEN) for each in brought])
        await node.store.put(replace(HOURLY, tenant_id=tenant_id))
    await node.at(TEN)
    assert sorted(run_id.partition("@")[0] for run_id in runs.started) == [
        "acme:report:hourly",
        "acme:token-health:token-health",
        "globex:report:hourly",
    ]
    assert sorted(asked) == ["acme", "globex"]
    assert node.slots.counts.slots == {"started": 3, "idle": 3}
    assert set(node.slots.counts.last_started_us) == {"token-health"}
    assert await node.store.next_due_us() != TEN


async def test_one_schedule_that_means_nothing_here_leaves_the_others_alone(sql_database: Database) -> None:
    """A time zone that this node's database does not have: it is looked at again in an hour."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(replace(HOURLY, name="broken", cron=Cron("0 * * * *", "Mars/Olympus")))
    await node.store.put(HOURLY)
    await node.at(TEN)
    assert slots_of(runs) == ["20261128T100000Z"]
    broken = await node.store.get("acme", "broken")
    assert broken is not None
    assert broken.next_at_us == TEN + HOUR
    [run] = await node.store.runs("acme", "broken", 9)
    assert (run.state, run.run_id, run.reason) == ("failed", "", "it could not be started: ZoneInfoNotFoundError; the log says more")
    assert node.slots.counts.missed == {"custom": 1}


async def test_how_a_run_ended_and_what_it_reports_is_kept_with_its_slot(sql_database: Database) -> None:
    """What is no report stays with the run; a run that nobody knows any more is lost."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    runs.result = {"title": "t", "findings": [], "counts": {}, "checked_at": "x", "more": 1}
    await node.store.put(HOURLY)
    await node.at(TEN)
    await node.slots.look_at_runs(TEN + 1)
    assert not node.slots.has_unended
    [run] = await node.store.runs("acme", "hourly", 1)
    assert (run.state, run.ended_at_us) == ("succeeded", 7)
    assert run.report == {"title": "t", "findings": [], "counts": {}, "checked_at": "x"}
    await node.at(TEN + HOUR)
    await runs.forget("acme")
    await node.slots.look_at_runs(TEN + HOUR + 5)
    assert not node.slots.has_unended
    [run, _] = await node.store.runs("acme", "hourly", 2)
    assert (run.state, run.ended_at_us) == ("lost", TEN + HOUR + 5)


async def test_it_sleeps_until_it_is_woken_or_a_slot_comes(sql_database: Database) -> None:
    """A schedule that is set while it sleeps is heard of; its slot comes by the clock alone, and its end is looked for."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    async with anyio.create_task_group() as group:
        group.start_soon(node.scheduler.run)
        await node.store.put(replace(HOURLY, next_at_us=TEN))
        node.scheduler.wake()
        await until(lambda: node.slots.counts.next_due_us == TEN)
        node.now_us = TEN
        node.scheduler.wake()
        await until(lambda: node.slots.counts.slots["started"] == 1)
        await runs.take()
        node.scheduler.wake()

        async def has_ended() -> bool:
            return (await node.states())[0][0] == "succeeded"

        await until(has_ended)
        # Set back over the slot: it is not started again, and the one before it that nobody started is next.
        node.now_us = TEN - HOUR - MINUTE
        node.scheduler.wake()

        async def is_back() -> bool:
            return await node.store.next_due_us() == TEN - HOUR

        await until(is_back)
        group.cancel_scope.cancel()
    assert slots_of(runs) == ["20261128T100000Z"]


async def test_a_store_or_an_engine_that_is_away_costs_time_alone(sql_database: Database) -> None:
    """The scheduler is a background task of the gateway: what it raised would end that."""

    class Away(RunRows):
        fails = True

        async def show(self, tenant_id: str, run_id: str) -> RunView | None:
            if self.fails:
                raise RuntimeError("not now")
            return await super().show(tenant_id, run_id)

    runs = Away(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    await node.at(TEN)
    await node.at(TEN + HOUR)
    assert [state for state, _cause, _missed in await node.states()] == ["started", "skipped"]
    runs.fails = False
    await node.at(TEN + 2 * HOUR)
    assert [state for state, _cause, _missed in await node.states()] == ["succeeded", "skipped", "started"]
