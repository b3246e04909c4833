"""Durable work within a whole gateway: who starts runs, whom they act for, and what they may then."""

import inspect
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oauth.principal import Principal
from server.admin.traces import TraceReader
from server.app import Gateway
from server.assembly.workflows import late_work
from server.assembly.workflows.durable_work import INGESTION
from server.assembly.workflows.ingestion import ingestion_workflows
from server.storage.workflows.runs.traced_runs import SqlTracedRuns
from tests.gateway import SCOPES, add_person, opened
from tests.waiting import until
from tools.operation import ClientInfo, Json, Outcome
from tools.workflows.engine.run_records import MostOpen, NewRun
from tools.workflows.run import Run
from tools.workflows.stores import ENDED, ActsFor, RunView
from tools.workflows.workflow import Workflow


async def whoami(run: Run, given: Mapping[str, Json]) -> Json:
    if given.get("waits"):
        await run.wait("for a yes", "yes", 600)
    return await run.call("who", given.get("operation", "gateway.account.whoami"), {})


async def secret_report(run: Run, given: Mapping[str, Json]) -> Json:
    return await run.now_us("looked")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path) as gateway:
        gateway.work.registry.add(Workflow("whoami", "1", whoami, title="Who am I"), for_people=True)
        gateway.work.registry.add(Workflow("secret-report", "1", secret_report))
        yield gateway


async def asked(gateway: Gateway, subject: str, operation: str, **arguments: Json) -> Outcome:
    principal = Principal("default", subject, "client", SCOPES, "grant")
    return await gateway.operations.dispatcher.call(principal, operation, arguments, client=ClientInfo("", name="test"))


async def ended(gateway: Gateway, run_id: str) -> RunView:
    async def has_ended() -> bool:
        view = await gateway.work.workflows.show("default", run_id)
        return view is not None and view.state in ENDED

    await until(has_ended)
    view = await gateway.work.workflows.show("default", run_id)
    assert view is not None
    return view


async def test_a_person_starts_a_run_that_calls_as_them_and_sees_how_it_ended(gateway: Gateway) -> None:
    ada = await add_person(gateway)
    started = await asked(gateway, ada, "workflow_start", workflow="whoami", key="k")
    assert started.data["run_id"] == "default:whoami:k"
    view = await ended(gateway, "default:whoami:k")
    assert (view.state, view.result["subject"]) == ("succeeded", ada)
    shown = (await asked(gateway, ada, "workflow_status", run_id=view.run_id, step="who")).data
    assert (shown["state"], shown["steps"][0]["name"], shown["step_result"]["subject"]) == ("succeeded", "who", ada)
    listed = (await asked(gateway, ada, "workflow_list")).data
    assert [run["run_id"] for run in listed["runs"]] == [view.run_id]
    assert listed["workflows"] == [{"name": "whoami", "version": "1", "title": "Who am I"}]


async def test_one_trace_leads_from_the_call_that_starts_a_run_to_the_calls_of_the_run(gateway: Gateway) -> None:
    """In the order in which they began, with the person's address, and nothing of what the run gave."""
    store, ada = gateway.store, await add_person(gateway)
    started = await asked(gateway, ada, "workflow_start", workflow="whoami", key="k")
    trace_id = (await ended(gateway, "default:whoami:k")).trace_id
    assert trace_id == started.trace_id
    runs = SqlTracedRuns(store.database)
    reader = TraceReader(store.calls, store.model_calls, store.audit_trail, store.subjects, store.event_lines, runs)
    kinds = {"call", "run", "workflow step"}

    async def is_whole() -> bool:
        return len([entry for entry in await reader.of(trace_id, "default") if entry.kind in kinds]) == 4

    await until(is_whole)
    found = [entry for entry in await reader.of(trace_id, "default") if entry.kind in kinds]
    assert [(entry.kind, entry.what, entry.outcome) for entry in found] == [
        ("call", "workflow_start", "ok"),
        ("run", "whoami", "ok"),
        ("workflow step", "who", "ok"),
        ("call", "gateway.account.whoami", "ok"),
    ]
    assert {entry.person for entry in found} == {"ada@example.com"}
    assert ada not in str([entry.facts for entry in found if entry.kind != "call"])
    assert await reader.of(trace_id, "acme") == []


async def test_a_run_of_somebody_who_was_disabled_calls_nothing(gateway: Gateway) -> None:
    ada = await add_person(gateway)
    await asked(gateway, ada, "workflow_start", workflow="whoami", given={"waits": True}, key="k")
    subject = await gateway.store.subjects.get("default", ada)
    assert subject is not None
    await gateway.store.subjects.save(replace(subject, disabled=True))
    await gateway.work.workflows.signal("default", "default:whoami:k", "yes", True, key="1")
    view = await ended(gateway, "default:whoami:k")
    assert view.failure is not None
    assert (view.state, view.failure.code) == ("failed", "insufficient_scope")


async def test_a_run_may_no_more_than_the_person_who_started_it(gateway: Gateway) -> None:
    ada = await add_person(gateway)
    less = ActsFor(ada, frozenset({"mcp"}))
    view = await ended(gateway, await gateway.work.workflows.start("default", "whoami", {"operation": "workflow_list"}, acts_for=less))
    assert view.failure is not None
    assert (view.state, view.failure.code) == ("failed", "insufficient_scope")


async def test_others_runs_and_the_gateways_own_are_like_none(gateway: Gateway) -> None:
    """What the gateway brings along for itself reads what no person may."""
    ada, bo = await add_person(gateway), await add_person(gateway, "bo@example.com")
    await asked(gateway, ada, "workflow_start", workflow="whoami", key="k")
    own = await ended(gateway, await gateway.work.workflows.start("default", "secret-report", {}, key="o"))
    await ended(gateway, "default:whoami:k")
    for run_id in ("default:whoami:k", own.run_id, "default:whoami:none"):
        for operation in ("workflow_status", "workflow_cancel", "workflow_resume"):
            refused = await asked(gateway, bo, operation, run_id=run_id)
            assert refused.error is not None
            assert (refused.error.code, refused.error.message) == ("not_found", f"there is no run '{run_id}'")
    assert (await asked(gateway, bo, "workflow_list")).data["runs"] == []
    refused = await asked(gateway, ada, "workflow_start", workflow="secret-report")
    assert refused.error is not None
    assert refused.error.code == "not_found"


async def test_a_key_of_somebody_elses_run_is_refused(gateway: Gateway) -> None:
    ada, bo = await add_person(gateway), await add_person(gateway, "bo@example.com")
    await asked(gateway, ada, "workflow_start", workflow="whoami", key="k")
    refused = await asked(gateway, bo, "workflow_start", workflow="whoami", key="k")
    assert refused.error is not None
    assert refused.error.code == "conflict"


async def test_metrics_count_runs_and_nothing_is_looked_for_where_none_is_open(gateway: Gateway) -> None:
    ada = await add_person(gateway)
    await until(lambda: gateway.work.engine.outlook.is_over)
    await asked(gateway, ada, "workflow_start", workflow="whoami", key="k")
    await ended(gateway, "default:whoami:k")
    registry = gateway.operations.telemetry.registry
    await until(lambda: registry.get_sample_value("ascend_workflow_runs_total", {"state": "succeeded"}) == 1)
    assert registry.get_sample_value("ascend_workflow_attempts_total") == 1
    assert registry.get_sample_value("ascend_workflow_backlog") is not None


async def test_a_run_that_another_process_starts_has_durable_work_loaded_and_is_run(tmp_path: Path) -> None:
    """Decision 0059: an empty gateway has nothing of it, and hears of the first run by the change feed."""
    async with opened(tmp_path) as gateway:
        assert not gateway.late.is_open
        new = NewRun("default", "error-pattern", "k", {}, None, "manual", None)
        run_id = await gateway.store.durable.run_records.start(new, MostOpen(1, 1))
        await until(lambda: gateway.late.is_open)
        assert (await ended(gateway, run_id)).state == "succeeded"


def without_assertions(module: ModuleType) -> dict[str, Any]:
    """Return the names of a module as `python -O` makes them."""
    names: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(inspect.getsource(module), str(module.__file__), "exec", optimize=1), names)
    return names


async def test_durable_work_is_loaded_also_where_python_leaves_out_assertions(tmp_path: Path) -> None:
    """`python -O`, and PYTHONOPTIMIZE in an image."""
    optimized = without_assertions(late_work)
    async with opened(tmp_path) as gateway:
        assert not gateway.late.is_open
        await optimized["LateWork"].open(gateway.late)
        assert gateway.late.is_open


async def test_what_people_ask_for_is_there_before_anything_was_loaded(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        ada = await add_person(gateway)
        listed = await asked(gateway, ada, "workflow_list")
        assert (listed.status, listed.data["runs"]) == ("ok", [])


async def test_ingestion_is_loaded_by_its_names(gateway: Gateway) -> None:
    """Decision 0059: whoever connects neither Gong nor Salesforce loads nothing of it."""
    assert [each.name for each in ingestion_workflows(gateway.store.subjects)] == list(INGESTION)
    for name in INGESTION:
        found = await gateway.work.registry.find("default", name)
        assert found is not None
        assert found.name == name
