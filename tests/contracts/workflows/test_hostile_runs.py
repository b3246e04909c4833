"""Runs that bring what no store keeps, on both databases: each ends and says why, and nobody else waits for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from server.storage.database import Database
from server.storage.workflows.runs import records as run_records
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.views import cursor_of
from tests.contracts.workflows.workflow_engines import TENANT, Durable, durable_on, running
from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.workflows.engine.durable_workflows import DurableWorkflows
from tools.workflows.engine.records import Claim, Ending
from tools.workflows.engine.run_records import MostOpen
from tools.workflows.errors import PermanentFault, WorkflowRefused
from tools.workflows.run import Run
from tools.workflows.run_keys import delivery_key, slot_key
from tools.workflows.stores import ActsFor

HALF = "a\ud800b"


@pytest.fixture
async def durable(sql_database: Database) -> AsyncIterator[Durable]:
    async with running(durable_on(sql_database)) as opened:
        yield opened


async def one() -> Json:
    return 1


async def refused(failure: Failure) -> Json:
    raise PermanentFault(failure)


async def refused_step(run: Run, failure: Failure) -> Json:
    async def work() -> Json:
        raise ToolError(failure)

    return await run.step("a", work)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(lambda run: run.step("a\0b", one), "invalid_workflow", id="NUL in the name of a step"),
        pytest.param(lambda run: run.step(HALF, one), "invalid_workflow", id="half a character in the name of a step"),
        pytest.param(lambda run: run.wait("w", "a\0b", 0.0), "invalid_arguments", id="NUL in the name of a signal"),
        pytest.param(lambda run: run.wait("w", HALF, 0.0), "invalid_arguments", id="half a character in the name of a signal"),
        pytest.param(lambda run: run.sleep("s", float("inf")), "invalid_arguments", id="for ever"),
        pytest.param(lambda run: run.sleep("s", float("nan")), "invalid_arguments", id="no number"),
        pytest.param(lambda run: run.sleep("s", 1e30), "invalid_arguments", id="beyond every calendar"),
        pytest.param(lambda run: refused(Failure("x", HALF)), "x", id="half a character in a failure"),
        pytest.param(lambda run: refused(Failure("x", "a\0b", hint="\0")), "x", id="NUL in a failure"),
        pytest.param(lambda run: refused(Failure("x", "m", faults=({"value": 2**70},))), "x", id="a number beyond 64 bits in a fault"),
        pytest.param(lambda run: refused_step(run, Failure("x", HALF)), "x", id="half a character in the failure of a step"),
    ],
)
async def test_what_no_store_keeps_ends_the_run_and_is_named(durable: Durable, body: Callable[[Run], Awaitable[Json]], code: str) -> None:
    async def hostile(run: Run, given: Mapping[str, Json]) -> Json:
        return await body(run)

    durable.add("hostile", hostile)
    view = await durable.ran("hostile")
    assert view.failure is not None
    assert (view.state, view.failure.code, view.attempts) == ("failed", code, 1)
    assert "\0" not in view.failure.message
    assert view.failure.message.isascii() or "\ufffd" in view.failure.message


@pytest.mark.parametrize("run_id", ["acme:a:\0", f"acme:a:{HALF}", "acme:a:" + "x" * 5_000])
async def test_an_id_that_no_run_can_have_is_like_one_that_is_not_there(durable: Durable, run_id: str) -> None:
    assert await durable.workflows.show(TENANT, run_id) is None
    assert (await durable.workflows.runs(TENANT, workflow=run_id)).runs == ()
    for tried in (
        durable.workflows.cancel(TENANT, run_id),
        durable.workflows.resume(TENANT, run_id),
        durable.workflows.signal(TENANT, run_id, "yes", 1, key="k"),
    ):
        with pytest.raises(WorkflowRefused) as refusal:
            await tried
        assert refusal.value.failure.code == "not_found"


async def test_a_forged_cursor_is_refused(durable: Durable) -> None:
    for cursor in (cursor_of(5, "a\0b"), HALF, "x" * 9_000):
        with pytest.raises(WorkflowRefused) as refusal:
            await durable.workflows.runs(TENANT, cursor=cursor)
        assert refusal.value.failure.code == "invalid_arguments"


async def test_a_run_whose_end_cannot_be_put_on_record_is_not_taken_up_for_ever(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    end, tries = SqlRunStore.end, 0

    async def broken(self: SqlRunStore, claim: Claim, ending: Ending) -> None:
        nonlocal tries
        tries += 1
        if ending.state == "succeeded":
            raise ValueError("no such value")
        await end(self, claim, ending)

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        return None

    monkeypatch.setattr(SqlRunStore, "end", broken)
    durable.add("poison", body)
    view = await durable.ran("poison")
    assert view.failure is not None
    assert (view.state, view.failure.code, tries) == ("failed", "internal_error", 4)


async def wait(run: Run, given: Mapping[str, Json]) -> Json:
    return await run.wait("w", "yes", 600.0)


async def test_a_person_leaves_room_for_colleagues_and_whoever_resumes_needs_it_too(sql_database: Database) -> None:
    durable = durable_on(sql_database)
    durable.add("wait", wait)
    few = DurableWorkflows(SqlRunRecords(sql_database), durable.registry, lambda: None, MostOpen(of_tenant=3, of_person=2))
    ada, bob = ActsFor("ada", frozenset()), ActsFor("bob", frozenset())
    started = [await few.start(TENANT, "wait", {}, acts_for=ada) for _ in range(2)]
    with pytest.raises(WorkflowRefused, match="2 runs that act for you"):
        await few.start(TENANT, "wait", {}, acts_for=ada)
    assert await few.cancel(TENANT, started[0])
    started.append(await few.start(TENANT, "wait", {}, acts_for=ada))
    with pytest.raises(WorkflowRefused, match="2 runs that act for you"):
        await few.resume(TENANT, started[0])
    await few.start(TENANT, "wait", {}, acts_for=bob)
    with pytest.raises(WorkflowRefused, match="3 runs of your tenant"):
        await few.start(TENANT, "wait", {}, acts_for=bob)


async def test_no_run_waits_for_a_day_beyond_its_age(durable: Durable) -> None:
    durable.add("wait", wait)
    with pytest.raises(WorkflowRefused, match="at: must be within 30 days"):
        await durable.workflows.start(TENANT, "wait", {}, at_us=2**62)


@pytest.mark.parametrize("key", [slot_key("nightly", 1_800_000_000_000_000), slot_key("n", 1), delivery_key("stripe", "0" * 64, 0)])
async def test_nobody_takes_the_place_of_a_slot_or_an_event(durable: Durable, key: str) -> None:
    durable.add("wait", wait)
    with pytest.raises(WorkflowRefused, match="the gateway gives those"):
        await durable.workflows.start(TENANT, "wait", {}, key=key)
    assert (await durable.workflows.start(TENANT, "wait", {}, key="ada@example.com")).endswith(":ada@example.com")


async def test_what_is_wrong_with_much_is_looked_for_in_a_part_of_it(durable: Durable) -> None:
    """All of it once took six seconds, in which nobody else was served."""
    any_of = [{"type": "object", "required": ["x"]}, {"type": "string"}]
    members = {"type": "array", "items": {"anyOf": any_of}}
    durable.add("rows", wait, input_schema={"type": "object", "properties": {"rows": members}, "additionalProperties": {"type": "string"}})
    with pytest.raises(WorkflowRefused) as refusal:
        await durable.workflows.start(TENANT, "rows", {"rows": ["right"] * 20_000 + [{}] * 20_000})
    assert refusal.value.failure.faults[0]["path"] == "arguments.rows[20000].x"
    with pytest.raises(WorkflowRefused, match="too many to say where"):
        await durable.workflows.start(TENANT, "rows", {f"n{n}": n for n in range(10_000)})


async def test_whoever_ends_more_runs_than_are_kept_loses_their_own_oldest(
    durable: Durable, sql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        return await run.step("a", one)

    monkeypatch.setattr(run_records, "MAX_ENDED_RUNS", 2)
    monkeypatch.setattr(run_records, "_AT_ONCE", 2)
    durable.add("short", body)
    for number in range(5):
        await durable.ran("short", key=f"ada-{number}", acts_for=ActsFor("ada", frozenset()))
    await durable.ran("short", key="bob", acts_for=ActsFor("bob", frozenset()))
    await SqlRunRecords(sql_database).sweep(0, 0)
    left = [run.run_id for run in (await durable.workflows.runs(TENANT)).runs]
    assert left == ["acme:short:bob", "acme:short:ada-4", "acme:short:ada-3"]
