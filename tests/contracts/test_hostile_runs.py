"""Runs that bring what no store keeps, on both databases: each ends and says why, and nobody else waits for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from server.storage.database import Database
from server.storage.workflows.run_store import SqlRunStore
from server.storage.workflows.run_views import cursor_of
from tests.contracts.workflow_engines import TENANT, Durable, durable_on, running
from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.workflows.engine.records import Claim, Ending
from tools.workflows.errors import PermanentFault, WorkflowRefused
from tools.workflows.run import Run

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
