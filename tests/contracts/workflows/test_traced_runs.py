"""Every run has a trace id, and what has one trace is found by it with its steps, on both databases (operations contract, traces)."""

from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import select

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.runs.new_runs import QueuedRun, enqueue
from server.storage.workflows.runs.traced_runs import SqlTracedRuns
from tests.contracts.workflows.workflow_engines import TENANT, Durable, durable_on, running
from tools.operation import Failure, Json
from tools.trace_ids import new_trace_id
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run, Writes
from tools.workflows.stores import ActsFor

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "the answer of the upstream"


@pytest.fixture
async def durable(sql_database: Database) -> AsyncIterator[Durable]:
    async with running(durable_on(sql_database)) as opened:
        opened.add("finds", finds)
        opened.add("starts", starts)
        yield opened


async def finds(run: Run, given: Mapping[str, Json]) -> Json:
    async def find() -> Json:
        return SECRET

    async def send() -> Json:
        raise PermanentFault(Failure("not_found", "nobody has this address"))

    found = await run.step("find", find)
    await run.call("note", "crm.notes.create", {"text": "seen"})
    if given.get("sends"):
        await run.step("send", send)
    return found


async def starts(run: Run, given: Mapping[str, Json]) -> Json:
    def work(writes: Writes) -> Json:
        return writes.enqueue("finds", {}, key="of-a-step")

    return await run.transact("start", work)


async def test_a_run_that_a_call_starts_is_found_by_the_calls_trace_with_its_steps_in_order(
    durable: Durable, sql_database: Database
) -> None:
    ada = ActsFor("ada", frozenset({"mcp"}))
    view = await durable.ran("finds", {"sends": True}, key="k", acts_for=ada, trace_id=TRACE)
    assert view.trace_id == TRACE
    [run] = await SqlTracedRuns(sql_database).of_trace(TRACE)
    assert (run.run_id, run.whole.state, run.acts_for, run.started_by) == ("acme:finds:k", "failed", "ada", "manual")
    assert run.whole.ended_at_us is not None
    assert run.whole.failure is not None
    assert run.whole.failure.message == "step 'send': nobody has this address"
    told = [(step.name, step.state, step.failure and step.failure.code) for step in run.steps]
    assert told == [("find", "succeeded", None), ("note", "succeeded", None), ("send", "failed", "not_found")]
    assert all(step.ended_at_us is not None for step in run.steps)


async def test_what_a_run_was_given_and_gave_is_not_part_of_its_trace(durable: Durable, sql_database: Database) -> None:
    view = await durable.ran("finds", {"of": SECRET}, trace_id=TRACE)
    assert view.result == SECRET
    assert SECRET not in repr(await SqlTracedRuns(sql_database).of_trace(TRACE))


async def test_the_calls_of_a_run_know_its_trace(durable: Durable) -> None:
    await durable.ran("finds", trace_id=TRACE)
    assert durable.door.traces == [TRACE]


async def test_a_trace_has_the_runs_of_its_tenant_alone_where_one_is_named(durable: Durable, sql_database: Database) -> None:
    """An id may be a caller's: two tenants may send the same."""
    for tenant_id in (TENANT, "globex"):
        await durable.workflows.start(tenant_id, "finds", {}, key="k", trace_id=TRACE)
    traced = SqlTracedRuns(sql_database)
    assert [run.run_id for run in await traced.of_trace(TRACE, "globex")] == ["globex:finds:k"]
    assert {run.tenant_id for run in await traced.of_trace(TRACE)} == {TENANT, "globex"}
    assert await traced.of_trace(TRACE, "initech") == []


async def test_a_run_that_no_call_starts_has_a_trace_of_its_own_in_the_order_of_time(durable: Durable, sql_database: Database) -> None:
    """By a step, by a schedule or an event in their transactions, by the gateway itself."""
    before = new_trace_id()
    await durable.ran("starts", trace_id=TRACE)
    await durable.ended("acme:finds:of-a-step")
    queued = QueuedRun(TENANT, "finds", "of-an-event", {}, "webhook")
    await sql_database.transact(lambda connection: enqueue(connection, queued))
    await durable.workflows.start(TENANT, "finds", {}, key="of-the-gateway")
    async with sql_database.read() as connection:
        rows = await connection.execute(select(workflow_runs.c.trace_id).where(workflow_runs.c.workflow == "finds"))
        found = set(rows.scalars())
    assert (len(found), {len(trace_id) for trace_id in found}) == (3, {32})
    assert TRACE not in found
    # Their first 48 bits are milliseconds.
    assert all(trace_id[:12] >= before[:12] for trace_id in found)


async def test_a_run_that_is_started_again_by_its_key_keeps_the_trace_of_its_first_start(durable: Durable, sql_database: Database) -> None:
    await durable.ran("finds", key="k", trace_id=TRACE)
    assert (await durable.ran("finds", key="k", trace_id="0" * 31 + "1")).trace_id == TRACE
    assert await SqlTracedRuns(sql_database).of_trace("0" * 31 + "1") == []


async def test_runs_of_before_belong_to_no_trace(sql_database: Database) -> None:
    queued = QueuedRun(TENANT, "finds", "old", {}, "manual", trace_id="")
    await sql_database.transact(lambda connection: enqueue(connection, queued))
    assert await SqlTracedRuns(sql_database).of_trace("") == []
