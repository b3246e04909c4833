"""A gateway that nobody looks after: Gong is connected, read time after time, disconnected."""

from dataclasses import replace
from pathlib import Path

from server.storage.database import now_us
from tests.tools.workflows.ingestion.gong_days import shown, stand_in, taking_in
from tests.tools.workflows.ingestion.ingesting import TENANT, Ingesting
from tests.waiting import until
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.stores import EVERYBODY

NAME = "gong-ingest"


async def schedule_of(gong: Ingesting) -> Schedule:
    found: list[Schedule] = []

    async def has_begun() -> bool:
        schedule = await gong.gateway.store.durable.schedules.get(TENANT, NAME)
        found[:] = [schedule] if schedule is not None else []
        return schedule is not None and schedule.next_at_us is not None and schedule.acts_for is not None

    await until(has_begun)
    return found[0]


async def next_run(gong: Ingesting, before: int) -> ScheduleRun:
    """Have the next slot come, and wait until what it started has ended."""
    await gong.gateway.store.durable.schedules.put(replace(await schedule_of(gong), next_at_us=now_us()))

    async def has_ended() -> bool:
        runs = await gong.gateway.store.durable.schedules.runs(TENANT, NAME, 9)
        return len(runs) == before + 1 and runs[0].state != "started"

    await until(has_ended, limit_s=60)
    await until(gong.is_done, limit_s=60)
    return (await gong.gateway.store.durable.schedules.runs(TENANT, NAME, 1))[0]


async def test_three_unattended_runs_in_a_row_succeed_and_disconnecting_ends_them(tmp_path: Path) -> None:
    """With everybody's key, as nobody in particular; nothing is lost, nothing comes twice."""
    async with taking_in(tmp_path, stand_in(6, limited_every=7, unavailable_every=11)) as gong:
        await gong.gateway.scheduled.schedules.resume(TENANT, NAME)
        acting = (await schedule_of(gong)).acts_for
        assert acting is not None
        assert (acting.subject, acting.scopes) == (EVERYBODY, frozenset({"mcp", "gong:read"}))
        for before in range(3):
            run = await next_run(gong, before)
            assert (run.state, run.cause, run.reason) == ("succeeded", "slot", "")
            gong.vendor.clock.advance(900)
        assert {call_id: len(versions) for call_id, versions in (await gong.episodes("gong")).items()} == {
            call.call_id: 1 for call in shown(gong)
        }
        [account] = await gong.gateway.store.connections.of_tenant(TENANT)
        await gong.gateway.connections.changes.remove(TENANT, account.account_id)

        async def rests() -> bool:
            schedule = await gong.gateway.store.durable.schedules.get(TENANT, NAME)
            return schedule is not None and schedule.next_at_us is None

        await until(rests)
        told = (await gong.gateway.store.durable.schedules.runs(TENANT, NAME, 1))[0]
        assert (told.state, told.reason) == ("skipped", "no account of Gong is ready any more")
