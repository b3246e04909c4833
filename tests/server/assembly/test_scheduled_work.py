"""Schedules within a whole gateway: what each tenant has, what is started by itself, what the jobs report."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from oauth.tenants import Tenant
from server.app import Gateway
from server.storage.database import now_us
from tests.gateway import SCOPES, add_person, opened
from tests.waiting import until
from tools.operation import Json
from tools.stores import CallRecord
from tools.workflows.run import Run
from tools.workflows.schedules.builtin import BUILTIN
from tools.workflows.schedules.schedule import ScheduleRun
from tools.workflows.schedules.setting import WantedSchedule
from tools.workflows.stores import ActsFor
from tools.workflows.workflow import Workflow

TENANT = "default"
CALL = CallRecord(TENANT, "call_api", "crm.contacts.list", "oauth", 1.0, True, None, "t" * 32, "ada", "client", 0)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path) as gateway:
        await until(lambda: gateway.scheduled.scheduler.counts.next_due_us is not None)
        yield gateway


async def ended(gateway: Gateway, name: str, slot_us: int | None = None, tenant_id: str = TENANT) -> ScheduleRun:
    async def has_ended() -> bool:
        runs = await gateway.store.durable.schedules.runs(tenant_id, name, 1)
        return bool(runs) and runs[0].state != "started" and slot_us in (None, runs[0].slot_us)

    await until(has_ended)
    return (await gateway.store.durable.schedules.runs(tenant_id, name, 1))[0]


async def make_due(gateway: Gateway, name: str, tenant_id: str = TENANT) -> None:
    """Have the slot of a schedule come now."""
    schedule = await gateway.store.durable.schedules.get(tenant_id, name)
    assert schedule is not None
    await gateway.store.durable.schedules.put(replace(schedule, next_at_us=now_us()))


async def test_each_tenant_has_the_schedules_of_the_gateway_and_an_empty_one_starts_nothing(gateway: Gateway) -> None:
    """Due where there is something to look at; a new tenant has them as soon as others hear of it."""
    await gateway.store.tenants.add(Tenant("acme", "Acme"))

    async def has_them() -> bool:
        return {each.name for each in await gateway.store.durable.schedules.of("acme")} == BUILTIN

    await until(has_them)
    for name in BUILTIN:
        await make_due(gateway, name, "acme")
    await until(lambda: gateway.scheduled.scheduler.counts.slots["idle"] == len(BUILTIN))
    assert await gateway.store.durable.schedules.runs("acme", None, 9) == []
    assert (await gateway.work.workflows.runs("acme")).runs == ()


async def test_a_job_that_has_something_to_look_at_starts_by_itself_and_leaves_its_report(gateway: Gateway) -> None:
    failed = replace(CALL, success=False, error_code="upstream_error", error_class="upstream", called_at_us=now_us() - 1_000_000)
    await gateway.store.calls.append_calls([failed, replace(failed, tenant_id="acme")])
    await make_due(gateway, "error-pattern")
    run = await ended(gateway, "error-pattern")
    assert (run.state, run.cause, run.reason) == ("succeeded", "slot", "")
    assert run.report is not None
    assert run.report["counts"] == {"calls": 1, "failed": 1, "kinds": 1, "findings": 1}
    assert run.report["findings"][0]["kind"] == "new"
    assert run.run_id.startswith("default:error-pattern:error-pattern@")


NOTHING_THERE = {"backup-verify": ["no_backup"], "backup": ["no_keys"]}


@pytest.mark.parametrize("name", sorted(BUILTIN))
async def test_each_job_can_be_run_now_and_reports_even_that_there_is_nothing(gateway: Gateway, name: str) -> None:
    started = await gateway.scheduled.schedules.start(TENANT, name)
    run = await ended(gateway, name, started.slot_us)
    assert (run.state, run.cause) == ("succeeded", "manual"), run.reason
    assert run.report is not None
    assert set(run.report) >= {"title", "findings", "counts", "checked_at"}
    assert [each["kind"] for each in run.report["findings"]] == NOTHING_THERE.get(name, [])


async def test_what_somebody_schedules_runs_as_them_and_tells_how_it_failed(gateway: Gateway) -> None:
    """Its calls are the person's; a result that is no report stays with the run."""
    ada = await add_person(gateway)

    async def whoami(run: Run, given: Mapping[str, Json]) -> Json:
        return await run.call("who", given["operation"], {})

    gateway.work.registry.add(Workflow("whoami", "1", whoami))
    for name, operation in (("works", "gateway.account.whoami"), ("fails", "gateway.account.whomai")):
        wanted = WantedSchedule(name, "whoami", "@yearly", "Europe/Berlin", {"operation": operation}, ActsFor(ada, SCOPES))
        await gateway.scheduled.schedules.set(TENANT, wanted)
        await make_due(gateway, name)
    works, fails = await ended(gateway, "works"), await ended(gateway, "fails")
    assert (works.state, works.report, fails.state) == ("succeeded", None, "failed")
    assert "no operation 'gateway.account.whomai'" in fails.reason
    view = await gateway.work.workflows.show(TENANT, works.run_id)
    assert view is not None
    assert (view.result["subject"], view.started_by) == (ada, "schedule")


async def test_operators_see_whether_schedules_beat(gateway: Gateway) -> None:
    await gateway.scheduled.schedules.start(TENANT, "backup-verify")
    await ended(gateway, "backup-verify")
    await gateway.store.calls.append_calls([replace(CALL, called_at_us=now_us())])
    await make_due(gateway, "error-pattern")
    await ended(gateway, "error-pattern")
    transport = httpx2.ASGITransport(app=gateway.app, client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url=gateway.settings.base_url) as http:
        text = (await http.get("/metrics")).text
    assert 'ascend_schedule_last_run_timestamp_seconds{schedule="error-pattern"} 1.' in text
    assert 'ascend_schedule_slots_total{outcome="started"} 1.0' in text
    assert "ascend_schedule_overdue_seconds 0.0" in text
    assert 'ascend_schedule_late_seconds{schedule="error-pattern"} 0.0' in text
    assert 'ascend_schedule_missed_total{schedule="custom"} 0.0' in text
