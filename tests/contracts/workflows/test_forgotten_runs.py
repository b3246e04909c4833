"""Whoever is forgotten is forgotten by runs of workflows too, on both databases (docs/decisions/0056)."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from server.storage.workflows.runs.named_runs import SqlNamedRuns
from tests.contracts.context_plane.test_context_forgetting import bytes_of
from tests.contracts.workflows.workflow_engines import TENANT, Durable, durable_on, running
from tests.tools.context_plane.saying import ADA, fact, say
from tests.waiting import until
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.operation import Failure, Json
from tools.workflows.engine import execution
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run
from tools.workflows.stores import ActsFor

NAME = "Dana Quillfeather"
BLACK = "█" * len(NAME)
OF_ADA, OF_BOB = ActsFor("ada", frozenset()), ActsFor("bob", frozenset())


async def quotes(run: Run, given: Mapping[str, Json]) -> Json:
    async def work() -> Json:
        return {"told": [f"{NAME} said so", 1], NAME: "is a name"}

    await run.step("look", work)
    if given.get("waits"):
        return await run.wait(given.get("step", "for a yes"), "yes", given.get("s", 600))
    if given.get("fails"):
        raise PermanentFault(Failure("gone", f"{NAME} is gone"))
    return f'for {NAME}, with "quotes"'


@pytest.fixture
async def durable(sql_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Durable]:
    monkeypatch.setattr(execution, "LINGER_S", 0.05)
    async with running(durable_on(sql_database)) as opened:
        opened.add("quotes", quotes)
        yield opened


@pytest.fixture
async def forgetting(sql_database: Database) -> Forgetting:
    store = SqlContextStore(sql_database)
    await say(store, fact("Kahuna", "champion", {"kind": "person", "name": NAME}))
    return Forgetting(store, runs=SqlNamedRuns(sql_database))


async def told_of(durable: Durable, key: str) -> Any:
    view = await durable.workflows.show(TENANT, f"{TENANT}:quotes:{key}")
    return None if view is None else (view.given, [step.result for step in view.steps], view.result, view.failure and view.failure.message)


async def test_runs_lose_the_name_in_what_they_were_given_in_results_and_in_failures(durable: Durable, forgetting: Forgetting) -> None:
    given = {"person": NAME.upper(), "n": 7}
    await durable.ran("quotes", given, key="ended", acts_for=OF_ADA)
    await durable.ran("quotes", given | {"fails": True}, key="failed", acts_for=OF_ADA)
    before = await told_of(durable, "ended")
    would = await forgetting(ADA, {"entity": NAME, "dry_run": True})
    assert await told_of(durable, "ended") == before
    answer = await forgetting(ADA, {"entity": NAME})
    assert (would["rows"]["workflow_runs"], answer["rows"]["workflow_runs"], answer["is_all"]) == (2, 2, True)
    result = {"told": [f"{BLACK} said so", 1], BLACK: "is a name"}
    assert await told_of(durable, "ended") == ({"person": BLACK, "n": 7}, [result], f'for {BLACK}, with "quotes"', None)
    assert (await told_of(durable, "failed"))[3] == f"{BLACK} is gone"


async def test_a_run_that_goes_on_does_so_without_the_name(durable: Durable, forgetting: Forgetting) -> None:
    run_id = await durable.workflows.start(TENANT, "quotes", {"waits": True, "person": NAME}, key="open", acts_for=OF_ADA)
    await durable.workflows.signal(TENANT, run_id, "no", f"not {NAME}", key="1")
    await until(lambda: durable.is_in(run_id, "waiting"))
    assert (await forgetting(ADA, {"entity": NAME}))["is_all"]
    await durable.workflows.signal(TENANT, run_id, "yes", "go", key="1")
    view = await durable.ended(run_id)
    assert (view.state, view.result, view.given["person"]) == ("succeeded", "go", BLACK)


async def test_a_run_whose_key_is_the_name_goes_once_it_has_ended_and_its_steps_lose_it_then(
    durable: Durable, forgetting: Forgetting, sql_database: Database
) -> None:
    """A run that goes on finds itself by them."""
    await durable.ran("quotes", {}, key="dana-quillfeather", acts_for=OF_ADA)
    ended = await durable.ran("quotes", {"waits": True, "step": f"for {NAME}", "s": 0.0}, key="ended", acts_for=OF_ADA)
    open_id = await durable.workflows.start(TENANT, "quotes", {"waits": True, "step": f"for {NAME}"}, key="open", acts_for=OF_ADA)
    await until(lambda: durable.is_in(open_id, "waiting"))
    answer = await forgetting(ADA, {"entity": NAME})
    assert (answer["rows"]["workflow_runs"], answer["is_all"]) == (3, True)
    assert await told_of(durable, "dana-quillfeather") is None
    for run_id, is_there in ((ended.run_id, False), (open_id, True)):
        view = await durable.workflows.show(TENANT, run_id)
        assert view is not None
        assert (f"for {NAME}" in {step.name for step in view.steps}) == is_there
    await durable.workflows.signal(TENANT, open_id, "yes", "go", key="1")
    assert (await durable.ended(open_id)).result == "go"


async def test_runs_of_others_lose_the_name_and_are_not_counted(durable: Durable, forgetting: Forgetting) -> None:
    await durable.ran("quotes", {"person": NAME}, key="of-bob", acts_for=OF_BOB)
    answer = await forgetting(ADA, {"entity": NAME})
    assert ("workflow_runs" in answer["rows"], answer["is_all"]) == (False, True)
    assert (await told_of(durable, "of-bob"))[0] == {"person": BLACK}


async def test_another_tenants_runs_stay_as_they_are(durable: Durable, forgetting: Forgetting) -> None:
    run_id = await durable.workflows.start("globex", "quotes", {"person": NAME}, key="k")
    await forgetting(ADA, {"entity": NAME})
    view = await durable.workflows.show("globex", run_id)
    assert view is not None
    assert view.given == {"person": NAME}


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
async def test_no_byte_of_the_name_is_left_in_the_file(durable: Durable, forgetting: Forgetting, sql_database: Database) -> None:
    await durable.ran("quotes", {"person": NAME, "rest": "stays here"}, key="ended", acts_for=OF_BOB)
    assert (await forgetting(ADA, {"entity": NAME}))["is_all"]
    left = bytes_of(Path(make_url(sql_database.url).database or ""))
    assert b"uillfeather" not in left.lower()
    assert b"stays here" in left
