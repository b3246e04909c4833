"""How much runs may have on record, and that it is counted right, on both databases (issue 15)."""

from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import select

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_totals
from server.storage.workflows.runs import kept_bytes
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.writes import writes_within
from tests.contracts.workflows.workflow_engines import TENANT, Door, Durable, running
from tools.context_plane.quotas import CONTEXT
from tools.operation import Json
from tools.quotas import DOCUMENTS
from tools.workflows.engine import execution
from tools.workflows.engine.durable_workflows import DurableWorkflows
from tools.workflows.engine.engine import Engine
from tools.workflows.engine.run_quotas import RunQuotas
from tools.workflows.errors import WorkflowRefused
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.run import Run, Writes
from tools.workflows.stores import ActsFor

FEW = RunQuotas(tenant_bytes=3_000, person_bytes=2_000, unread_signals=2)
ADA, BOB = ActsFor("ada", frozenset()), ActsFor("bob", frozenset())


async def gives(run: Run, given: Mapping[str, Json]) -> Json:
    async def work() -> Json:
        return "s" * int(given.get("step", 0))

    def written(writes: Writes) -> Json:
        if given.get("starts"):
            writes.enqueue("gives", {"more": "g" * int(given["starts"])}, key="started")
        return None

    await run.step("step", work)
    await run.transact("written", written)
    if given.get("waits"):
        await run.wait("wait", "go", 600)
    return "r" * int(given.get("result", 0))


@pytest.fixture
async def durable(sql_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Durable]:
    monkeypatch.setattr(execution, "LINGER_S", 0.05)
    registry, door = WorkflowRegistry(), Door()
    engine = Engine(SqlRunStore(sql_database, writes_within(CONTEXT, DOCUMENTS), FEW), registry.find, door)
    async with running(
        Durable(DurableWorkflows(SqlRunRecords(sql_database, FEW), registry, engine.wake), engine, door, registry)
    ) as opened:
        opened.add("gives", gives)
        yield opened


async def counted(database: Database) -> dict[str, int]:
    query = select(workflow_totals).where(workflow_totals.c.tenant_id == TENANT)
    async with database.read() as connection:
        return {row.acts_for: row.kept_bytes for row in await connection.execute(query)}


async def test_what_runs_are_given_and_give_is_counted_until_it_is_forgotten(durable: Durable, sql_database: Database) -> None:
    """In bytes: ü has two."""
    await durable.ran("gives", {"step": 100, "result": 50, "ü": 1}, acts_for=ADA)
    size = len('{"step":100,"result":50,"ü":1}'.encode()) + 102 + len("null") + 52
    assert await counted(sql_database) == {"ada": size}
    assert await sql_database.look(kept_bytes.kept) == (size, size)
    await SqlRunRecords(sql_database).sweep(2**62, 2**62)
    assert await counted(sql_database) == {"ada": 0}


async def test_a_person_who_is_full_starts_nothing_and_a_colleague_does(durable: Durable, sql_database: Database) -> None:
    await durable.workflows.start(TENANT, "gives", {"g": "x" * 1_900}, acts_for=ADA)
    with pytest.raises(WorkflowRefused) as refused:
        await durable.workflows.start(TENANT, "gives", {"g": "x" * 200}, key="k", acts_for=ADA)
    failure = refused.value.failure
    assert (failure.code, "act for one person" in failure.message, "retention.runs_days" in (failure.hint or "")) == (
        "quota_exceeded",
        True,
        True,
    )
    assert await durable.workflows.show(TENANT, f"{TENANT}:gives:k") is None
    await durable.workflows.start(TENANT, "gives", {"g": "x" * 900}, acts_for=BOB)
    with pytest.raises(WorkflowRefused, match="of the whole tenant"):
        await durable.workflows.start(TENANT, "gives", {"g": "x" * 900}, acts_for=BOB)
    await durable.workflows.start("globex", "gives", {"g": "x" * 900}, acts_for=BOB)


@pytest.mark.parametrize("given", [{"step": 2_500}, {"result": 2_500}, {"starts": 2_500}])
async def test_a_run_whose_results_have_no_room_fails_and_says_why(durable: Durable, given: dict[str, int]) -> None:
    view = await durable.ran("gives", given, acts_for=ADA)
    assert view.state == "failed"
    assert view.failure is not None
    assert view.failure.code == "quota_exceeded"
    assert await durable.workflows.show(TENANT, f"{TENANT}:gives:started") is None


async def test_a_run_that_keeps_little_ends_though_its_person_is_full(durable: Durable) -> None:
    """Whoever fills a quota must not have everything fail that goes on."""
    run_id = await durable.workflows.start(TENANT, "gives", {"waits": 1, "step": 100}, acts_for=ADA)
    await durable.workflows.start(TENANT, "gives", {"g": "x" * 1_700}, acts_for=ADA)
    await durable.workflows.signal(TENANT, run_id, "go", 1, key="1")
    view = await durable.ended(run_id)
    assert (view.state, view.failure) == ("succeeded", None)


async def test_a_step_that_runs_again_counts_once(durable: Durable, sql_database: Database) -> None:
    view = await durable.ran("gives", {"step": 900, "result": 1_500}, acts_for=ADA)
    assert view.state == "failed"
    before = await counted(sql_database)
    await durable.workflows.resume(TENANT, view.run_id, again=["step"])
    assert (await durable.ended(view.run_id)).state == "failed"
    assert await counted(sql_database) == before


async def test_signals_that_nobody_takes_have_a_quota_of_each_run(durable: Durable) -> None:
    run_id = await durable.workflows.start(TENANT, "gives", {"waits": 1}, acts_for=ADA)
    for key in ("1", "2", "2"):
        await durable.workflows.signal(TENANT, run_id, "other", "v", key=key)
    with pytest.raises(WorkflowRefused, match="2 signals of this run wait to be taken"):
        await durable.workflows.signal(TENANT, run_id, "go", "v", key="1")
    other = await durable.workflows.start(TENANT, "gives", {"waits": 1}, key="other", acts_for=ADA)
    with pytest.raises(WorkflowRefused, match="on record"):
        await durable.workflows.signal(TENANT, other, "go", "v" * 2_500, key="1")


async def test_a_tenant_that_is_forgotten_has_nothing_on_record(durable: Durable, sql_database: Database) -> None:
    await durable.ran("gives", {"step": 10}, acts_for=ADA)
    await durable.workflows.forget(TENANT)
    assert await counted(sql_database) == {}
