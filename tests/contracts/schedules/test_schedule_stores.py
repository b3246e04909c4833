"""ScheduleStore in both databases: a slot and its start are one transaction, of one tenant, and one node's."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from server.storage.database import Database
from server.storage.insertion import insert_rows
from server.storage.schema.platform_tables import changes
from server.storage.schema.workflows.schedule_tables import schedule_runs
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.schedules.schedule_runs import values_of
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tools.errors import QuotaExceeded
from tools.workflows.schedules.builtin import BUILTIN, builtin_schedules
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.schedules.stores import LONG_REPORT_CHARS, MAX_LONG_REPORTS, MAX_RUNS
from tools.workflows.stores import ActsFor

TEN = 1_795_860_000_000_000  # 2026-11-28T10:00Z
HOUR = 3600 * 1_000_000
ADA = ActsFor("sub_1", frozenset({"mcp", "crm:read"}))
NIGHTLY = Schedule("acme", "nightly", "report", Cron("0 * * * *", "Europe/Berlin"), {"day": 3}, ADA, next_at_us=TEN)
RUN = ScheduleRun("acme", "nightly", TEN, "slot", "started", "acme:report:nightly@20261128T100000Z", TEN + 1)


async def put(store: SqlScheduleStore, schedule: Schedule) -> Schedule:
    await store.put(schedule)
    found = await store.get(schedule.tenant_id, schedule.name)
    assert found is not None
    return found


async def starts(database: Database) -> list[tuple[str, str, str, str]]:
    async with database.read() as connection:
        return [(row.tenant_id, row.run_id, row.given, row.acts_for) for row in await connection.execute(select(workflow_runs))]


async def test_a_schedule_comes_back_as_it_was_put(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    assert await store.put(NIGHTLY)
    assert not await store.put(NIGHTLY)
    [found] = await store.of("acme")
    assert replace(found, changed_at_us=0) == NIGHTLY
    assert await store.next_due_us() == TEN
    async with sql_database.read() as connection:
        news = (await connection.execute(select(changes.c.topic, changes.c.tenant_id, changes.c.item))).all()
    assert news == [("schedules", "acme", "nightly")] * 2


async def test_a_slot_and_its_start_are_taken_by_the_first_of_two_nodes(sql_database: Database) -> None:
    """Both had read the schedule; the second one finds it moved on."""
    store = SqlScheduleStore(sql_database)
    schedule = await put(store, NIGHTLY)
    assert await store.begin(schedule, RUN, TEN + HOUR)
    assert not await store.begin(schedule, RUN, TEN + 5 * HOUR)
    assert not await store.move(schedule, TEN + 5 * HOUR)
    assert await starts(sql_database) == [("acme", RUN.run_id, '{"day":3}', "sub_1")]
    assert await store.run("acme", "nightly", TEN) == RUN
    assert await store.unended("acme", "nightly") == await store.all_unended(9) == [RUN]
    assert await store.next_due_us() == TEN + HOUR


async def test_a_slot_that_was_taken_before_is_not_started_again(sql_database: Database) -> None:
    """A schedule that was removed and set again, or a clock that went back, comes to the same slot."""
    store = SqlScheduleStore(sql_database)
    await store.begin(await put(store, NIGHTLY), RUN, TEN + HOUR)
    await store.remove("acme", "nightly")
    assert not await store.begin(await put(store, replace(NIGHTLY, workflow="other")), RUN, TEN + HOUR)
    assert len(await starts(sql_database)) == 1
    assert await store.next_due_us() == TEN + HOUR


async def test_what_is_changed_or_paused_meanwhile_is_not_started_as_it_was(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    schedule = await put(store, NIGHTLY)
    await store.put(replace(NIGHTLY, workflow="other"))
    assert not await store.begin(schedule, RUN, TEN + HOUR)
    schedule = await put(store, NIGHTLY)
    assert await store.pause("acme", "nightly")
    assert not await store.begin(schedule, RUN, TEN + HOUR)
    assert not await store.move(schedule, TEN + HOUR)
    assert await starts(sql_database) == []
    assert await store.next_due_us() is None


async def test_a_skipped_slot_is_on_record_and_starts_nothing(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    skipped = replace(RUN, state="skipped", run_id="", ended_at_us=TEN, reason="its predecessor still runs", missed=2)
    assert await store.begin(await put(store, NIGHTLY), skipped, TEN + HOUR)
    assert await starts(sql_database) == []
    assert await store.runs("acme", None, 9) == [skipped]


async def test_how_a_run_ended_is_noted_once(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    await store.begin(await put(store, NIGHTLY), RUN, TEN + HOUR)
    report = {"title": "t", "findings": [{"kind": "k"}], "counts": {"n": 1}, "checked_at": "2026-11-28T10:00:00Z"}
    assert await store.end(RUN, "succeeded", TEN + 9, "", report)
    assert not await store.end(RUN, "failed", TEN + 10, "late")
    assert await store.runs("acme", "nightly", 9) == [replace(RUN, state="succeeded", ended_at_us=TEN + 9, report=report)]
    assert await store.all_unended(9) == []


async def test_of_long_reports_the_newest_are_kept(sql_database: Database) -> None:
    """Short ones stay with their slots, and so does that there was a slot."""
    store = SqlScheduleStore(sql_database)
    schedule = await put(store, NIGHTLY)
    for n in range(MAX_LONG_REPORTS + 3):
        run = replace(RUN, slot_us=n, cause="manual", started_at_us=n)
        await store.begin_now(schedule, run)
        findings = [] if n == 1 else ["x" * LONG_REPORT_CHARS]
        await store.end(run, "succeeded", n, "", {"title": "t", "findings": findings})
    kept = {run.slot_us: run.report is not None for run in await store.runs("acme", "nightly", 99)}
    assert [slot for slot, is_kept in kept.items() if not is_kept] == [2, 0]
    assert len(kept) == MAX_LONG_REPORTS + 3


async def test_a_run_beside_the_slots_leaves_the_next_slot_where_it_is(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    schedule = await put(store, NIGHTLY)
    manual = replace(RUN, slot_us=TEN - 5, cause="manual", started_at_us=TEN - 5)
    assert await store.begin_now(schedule, manual)
    assert not await store.begin_now(schedule, manual)
    assert not await store.begin_now(replace(schedule, name="gone"), replace(manual, name="gone"))
    assert [run_id for _tenant, run_id, _given, _for in await starts(sql_database)] == ["acme:report:nightly@20261128T095959.999995Z"]
    assert await store.next_due_us() == TEN


async def test_nothing_of_one_tenant_is_seen_or_changed_by_another(sql_database: Database) -> None:
    """The same names everywhere."""
    store = SqlScheduleStore(sql_database)
    await store.begin(await put(store, NIGHTLY), RUN, TEN + HOUR)
    mine = await put(store, replace(NIGHTLY, tenant_id="globex"))
    assert await store.runs("globex", None, 9) == []
    assert await store.unended("globex", "nightly") == []
    assert await store.taken("globex", "nightly", 0, 2 * TEN) == frozenset()
    assert await store.run("globex", "nightly", TEN) is None
    assert await store.remove("globex", "nightly")
    assert not await store.pause("globex", "nightly")
    assert not await store.move(mine, None)
    assert len(await store.of("acme")) == len(await store.runs("acme", None, 9)) == 1


async def test_a_tenant_has_so_many_schedules_and_those_of_the_gateway_do_not_count(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database, quota_scale=0.01)
    await store.add_missing(builtin_schedules("acme", TEN))
    for name in ("a", "b"):
        await store.put(replace(NIGHTLY, name=name))
    with pytest.raises(QuotaExceeded):
        await store.put(replace(NIGHTLY, name="c"))
    await store.put(replace(NIGHTLY, name="b", workflow="other"))
    await store.put(replace(NIGHTLY, name="c", tenant_id="globex"))
    assert len(await store.of("acme")) == len(BUILTIN) + 2


async def test_what_the_gateway_brings_follows_its_version_and_keeps_what_was_changed(sql_database: Database) -> None:
    """A pause stays a pause, a schedule that somebody set stays theirs."""
    store = SqlScheduleStore(sql_database)
    old = [replace(each, cron=Cron("59 23 * * *", "UTC"), next_at_us=TEN) for each in builtin_schedules("acme", TEN)]
    await store.add_missing(old)
    await store.pause("acme", "token-health")
    await store.put(replace(NIGHTLY, name="error-pattern"))
    await store.add_missing(builtin_schedules("acme", TEN))
    found = {each.name: each for each in await store.of("acme")}
    assert (found["token-health"].is_paused, found["token-health"].next_at_us) == (True, None)
    assert found["token-health"].cron != old[0].cron
    assert found["error-pattern"].workflow == "report"
    assert found["docs-freshness"].next_at_us not in (None, TEN)


async def test_of_one_schedule_the_newest_slots_are_kept_and_of_all_those_of_ninety_days(sql_database: Database) -> None:
    store = SqlScheduleStore(sql_database)
    schedule = await put(store, NIGHTLY)
    await store.begin_now(schedule, replace(RUN, slot_us=1, cause="manual", started_at_us=1))
    old = [values_of(replace(RUN, slot_us=n, started_at_us=n, state="skipped", run_id="")) for n in range(2, MAX_RUNS + 2)]
    async with sql_database.write() as connection:
        await insert_rows(connection, schedule_runs, old)
    await store.begin(schedule, RUN, TEN + HOUR)
    kept = [run.slot_us for run in await store.runs("acme", "nightly", 2 * MAX_RUNS)]
    # The very first one has not ended, so its end can still be noted.
    assert (len(kept), kept[0], kept[-2:]) == (MAX_RUNS + 1, TEN, [3, 1])
    assert await store.forget_before(10) == 7
    assert await store.last_started_us(["nightly", "x"], 0) == {"nightly": TEN + 1}
    assert await store.last_started_us(["x"], 0) == {}
