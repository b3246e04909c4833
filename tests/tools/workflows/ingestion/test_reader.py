"""Who reads a source, whatever becomes of the one before: a run that is over holds nobody up, and undoes nothing when it comes back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.tools.workflows.ingestion.gong_days import EVENING, shown, stand_in, taking_in
from tests.tools.workflows.ingestion.ingesting import TENANT, Ingesting, ingesting, virtual
from tests.waiting import until
from tools.operation import Failure
from tools.workflows.errors import PermanentFault
from tools.workflows.ingestion.gong.gong_ingest import GongIngest
from tools.workflows.stores import RunState, RunView
from tools.workflows.workflow import Workflow

LONG_AGO = 10_000


@pytest.fixture
async def gong(tmp_path: Path) -> AsyncIterator[Ingesting]:
    async with taking_in(tmp_path, stand_in(6)) as opened:
        yield opened


async def is_in(gong: Ingesting, run_id: str, *states: RunState) -> RunView:
    view: list[RunView] = []

    async def has_come() -> bool:
        found = await gong.workflows.show(TENANT, run_id)
        view[:] = [found] if found is not None else []
        return found is not None and found.state in states

    await until(has_come, limit_s=60)
    return view[0]


async def resumed(gong: Ingesting, run_id: str, *again: str) -> RunView:
    await gong.workflows.resume(TENANT, run_id, again=again)
    await until(gong.is_done, limit_s=60)
    return await is_in(gong, run_id, "succeeded", "failed")


async def test_a_run_that_is_resumed_and_fails_on_a_later_page_holds_nobody_up(tmp_path: Path) -> None:
    """What lets go of a source cannot be a step: it would be on record after the first time."""
    vendor, pages, fails_at = stand_in(6), count(1), {1, 3}

    def workflow_of(subjects: dict[str, str]) -> Workflow:
        async def subjects_of(_tenant_id: str) -> dict[str, str]:
            if next(pages) in fails_at:
                raise PermanentFault(Failure("internal_error", "not today"))
            return subjects

        return GongIngest(subjects_of, virtual(vendor.clock)).workflow()

    async with ingesting(tmp_path, vendor, workflow_of) as gong:
        failed = await gong.window(first_days=2)
        assert (await resumed(gong, failed.run_id)).state == failed.state == "failed"
        assert (await gong.counts(first_days=2))["enqueued"] == len(shown(gong))


async def test_a_run_that_is_resumed_goes_on_where_nobody_has_read_since(gong: Ingesting) -> None:
    gong.vendor.faults.unauthorized = LONG_AGO
    failed = await gong.window(first_days=2)
    gong.vendor.faults.unauthorized = 0
    assert (await resumed(gong, failed.run_id)).state == "succeeded"
    assert set(await gong.episodes("gong")) == {call.call_id for call in shown(gong)}
    assert "skipped" not in await gong.counts()


async def test_a_run_that_comes_back_after_another_has_read_ends_and_deletes_nothing(gong: Ingesting) -> None:
    """What it had listed is old: whatever came since would seem to be gone."""
    gong.vendor.clock.set(EVENING - timedelta(hours=12))
    gong.vendor.faults.unauthorized = LONG_AGO
    old = await gong.window(first_days=2)
    gong.vendor.faults.unauthorized = 0
    gong.vendor.clock.set(EVENING)
    await gong.counts(first_days=2)
    view = await resumed(gong, old.run_id)
    assert view.failure is not None
    assert view.failure.code == "conflict"
    assert set(await gong.episodes("gong")) == {call.call_id for call in shown(gong)}


async def test_a_run_that_is_cancelled_holds_nobody_up(gong: Ingesting) -> None:
    gong.vendor.faults.unavailable_every = 1
    run_id = await gong.start(first_days=2)

    async def is_waiting() -> bool:
        return bool(gong.vendor.traffic.answers.get(503))

    await until(is_waiting, limit_s=60)
    assert await gong.workflows.cancel(TENANT, run_id)
    gong.vendor.faults.unavailable_every = 0
    await is_in(gong, run_id, "cancelled")
    assert (await gong.counts(first_days=2))["enqueued"] == len(shown(gong))
