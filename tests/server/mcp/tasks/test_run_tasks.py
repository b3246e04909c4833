"""A run that somebody starts is a task for a client that takes tasks: a view of the run, which goes on without any client."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.server.mcp.tasks.world import TaskClient, TasksWorld, result_of, tasks_world
from tools.long_work import ENDED
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow

RUN_ID = "default:greeting:k"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def greeting(run: Run, given: Mapping[str, Json]) -> Json:
    name = await run.wait("for a name", "name", 600)
    if name is None or given.get("fails"):
        raise PermanentFault(Failure("nobody_there", "there is nobody to greet"))
    return {"greeting": f"Hello, {name}!", "more": "!" * int(given.get("more", 0))}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[TasksWorld]:
    async with tasks_world(tmp_path, after_s=30) as opened:
        opened.gateway.work.registry.add(Workflow("greeting", "1", greeting), for_people=True)
        yield opened


async def start(client: TaskClient, **given: Json) -> str:
    """Start the run RUN_ID and return the id of its task."""
    task_id = await client.task("call_api", {"api": "workflow_start", "args": {"workflow": "greeting", "key": "k", "given": given}})
    assert task_id.startswith("w_")
    return task_id


async def test_a_run_is_polled_by_its_task_until_it_has_ended(world: TasksWorld) -> None:
    task_id = await start(world.ada)
    working = await world.ada.get(task_id)
    assert (working["status"], working["ttlMs"]) == ("working", None)
    assert working["statusMessage"].startswith(f"run {RUN_ID}: ")
    await world.gateway.work.workflows.signal("default", RUN_ID, "name", "Ada", key="1")
    told = (await world.ada.until(task_id, *ENDED))["result"]["structuredContent"]
    assert (told["status"], told["data"]["run_id"], told["data"]["result"]["greeting"]) == ("ok", RUN_ID, "Hello, Ada!")


async def test_a_run_that_failed_is_an_answer_that_says_so(world: TasksWorld) -> None:
    """tasks: `failed` MUST NOT be used for what is no JSON-RPC error."""
    task_id = await start(world.ada, fails=True)
    await world.gateway.work.workflows.signal("default", RUN_ID, "name", "Ada", key="1")
    done = await world.ada.until(task_id, *ENDED)
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert done["result"]["structuredContent"]["error"]["message"] == "there is nobody to greet"


async def test_a_result_that_would_fill_a_models_context_is_left_where_it_is(world: TasksWorld) -> None:
    task_id = await start(world.ada, more=20_000)
    await world.gateway.work.workflows.signal("default", RUN_ID, "name", "Ada", key="1")
    told = (await world.ada.until(task_id, *ENDED))["result"]["structuredContent"]
    assert "result" not in told["data"]
    assert "workflow_status" in told["note"]


async def test_a_run_is_stopped_by_its_task(world: TasksWorld) -> None:
    task_id = await start(world.ada)
    result_of(await world.ada.about("cancel", task_id))
    assert (await world.ada.until(task_id, *ENDED))["status"] == "cancelled"
    view = await world.gateway.work.workflows.show("default", RUN_ID)
    assert view is not None
    assert view.state == "cancelled"


async def test_nobody_else_opens_the_task_of_a_run(world: TasksWorld) -> None:
    """The id is sealed for who started it; a run's own name is none, nor is an id with another end."""
    task_id = await start(world.ada)
    bob = await world.client("bob@example.com")
    for client, other in ((bob, task_id), (world.ada, f"w_{RUN_ID}"), (world.ada, task_id[:-4] + "AAAA"), (world.ada, "w_")):
        for what in ("get", "update", "cancel"):
            refused = await client.about(what, other, inputResponses={})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32602)
    assert (await world.ada.get(task_id))["status"] == "working"


async def test_whoever_does_not_take_tasks_or_starts_something_for_later_gets_the_runs_name(world: TasksWorld) -> None:
    """Nobody's client should wait for what begins some day."""
    arguments = {"workflow": "greeting", "key": "k"}
    plain = await replace(world.ada, capabilities={}).call("call_api", {"api": "workflow_start", "args": arguments})
    later = await world.ada.call("call_api", {"api": "workflow_start", "args": {**arguments, "key": "l", "at": TOMORROW}})
    assert [each["structuredContent"]["data"]["run_id"] for each in (plain, later)] == [RUN_ID, "default:greeting:l"]
