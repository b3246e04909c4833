"""The tasks extension over real HTTP, as a client of 2026-07-28 sees it; clients without it, of both eras, see what they saw before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from server.mcp.tasks.wire import TaskAnswer
from tests.gateway import mcp_client, token_for
from tests.server.mcp.tasks.processes import CRM, Calls, accept, needs, process
from tests.server.mcp.tasks.world import PLAN, READ, TaskClient, TasksWorld, result_of, tasks_world
from tests.waiting import until
from tools.long_work import ENDED

#: an Origin is looked at by the long way alone
WAYS = {"fast": {}, "sdk": {"origin": ""}}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[TasksWorld]:
    async with tasks_world(tmp_path) as opened:
        yield opened


@pytest.fixture(params=WAYS)
def ada(request: pytest.FixtureRequest, world: TasksWorld) -> TaskClient:
    """Her client, recognised by either path."""
    return replace(world.ada, headers={"origin": world.gateway.settings.base_url}) if request.param == "sdk" else world.ada


def error_of(response: httpx2.Response) -> tuple[int, int]:
    return response.status_code, response.json()["error"]["code"]


def key_of(world: TasksWorld) -> bytes:
    """Return the key that all nodes on its store have."""
    return world.gateway.connections.proof_key("tasks")


async def test_a_call_that_lasts_is_answered_with_a_task_and_the_task_with_what_the_call_answers(
    world: TasksWorld, ada: TaskClient
) -> None:
    """tasks, "Task Creation" and "Task Polling"."""
    created = await ada.call("call_api", READ)
    assert {name: created[name] for name in ("resultType", "status", "ttlMs", "pollIntervalMs")} == {
        "resultType": "task",
        "status": "working",
        "ttlMs": 3_600_000,
        "pollIntervalMs": 1_000,
    }
    assert "result" not in created
    working = await ada.get(created["taskId"])
    assert (working["resultType"], working["status"]) == ("complete", "working")
    world.upstream.gate.set()
    done = await ada.until(created["taskId"], *ENDED)
    plain = await ada.call("call_api", READ)
    assert plain["resultType"] == "complete"
    assert done["result"]["structuredContent"]["data"] == plain["structuredContent"]["data"] == {"notes": []}
    assert done["result"].keys() == plain.keys() - {"_meta"}
    assert world.upstream.arrived == 2


async def test_whoever_does_not_take_tasks_waits_as_before(world: TasksWorld) -> None:
    """tasks: CreateTaskResult MUST NOT go to a client that did not declare it with this very request."""
    plain = replace(world.ada, capabilities={})
    answers: list[Any] = []

    async def of_2026() -> None:
        answers.append(await plain.call("call_api", READ))

    async def of_2025() -> None:
        async with mcp_client(world.gateway, world.ada.token, mode="legacy") as client:
            answers.append((await client.call_tool("call_api", READ)).model_dump(by_alias=True))

    async with anyio.create_task_group() as group:
        group.start_soon(of_2026)
        group.start_soon(of_2025)
        await until(lambda: world.upstream.arrived == 2)
        world.upstream.gate.set()
    assert [each["structuredContent"]["data"] for each in answers] == [{"notes": []}, {"notes": []}]


async def test_a_task_is_stopped_and_what_was_written_stays_written(world: TasksWorld) -> None:
    """tasks, "Task Cancellation"; decision 0010: a write that was sent is not torn, and answers from its record."""
    task_id = await world.ada.task("batch_execute", PLAN)
    await until(lambda: world.upstream.arrived == 1)
    acknowledged = result_of(await world.ada.about("cancel", task_id))
    assert acknowledged.keys() - {"_meta"} == {"resultType"}
    stopped = await world.ada.until(task_id, *ENDED)
    assert stopped["status"] == "cancelled"
    handle = stopped["statusMessage"].partition("'resume': '")[2].partition("'")[0]
    assert handle.startswith("x_")
    world.upstream.gate.set()
    await until(lambda: world.upstream.written == ["first"])
    rest = await world.ada.call("batch_execute", {"resume": handle})
    if rest["resultType"] == "task":
        rest = (await world.ada.until(rest["taskId"], *ENDED))["result"]
    assert rest["structuredContent"]["status"] == "completed"
    assert world.upstream.written == ["first", "second"]
    again = result_of(await world.ada.about("cancel", task_id))
    assert again.keys() - {"_meta"} == {"resultType"}


async def test_another_node_has_a_task_stopped_where_it_runs_and_its_end_told_to_who_listens_here(world: TasksWorld) -> None:
    """By the change feed: nobody has to send a request to the right node."""
    task_id = await world.ada.task("call_api", READ)
    verified = await world.gateway.authorization.access_tokens.verify(world.ada.token)
    assert verified is not None
    async with process(world.gateway.store.tasks, key=key_of(world)) as elsewhere:
        assert await elsewhere.tasks.cancel(verified.principal, task_id)
        assert (await world.ada.until(task_id, *ENDED))["status"] == "cancelled"
    await until(lambda: world.upstream.left == 1)


async def test_what_goes_on_goes_on_as_whoever_answers_and_with_no_more_rights(world: TasksWorld) -> None:
    """A token with fewer scopes of the same person and client runs nothing that it may not run by itself."""
    verified = await world.gateway.authorization.access_tokens.verify(world.ada.token)
    assert verified is not None
    async with process(world.gateway.store.tasks, Calls([needs(CRM, resume="")]), key=key_of(world)) as asking:
        created = await asking.send(verified.principal, arguments=PLAN)
        assert isinstance(created, TaskAnswer)
        task_id = created.task.task_id
        asking.calls.gate.set()
        asked = (await world.ada.until(task_id, "input_required"))["inputRequests"]
    less = await token_for(world.gateway, verified.principal.subject, scopes=frozenset({"mcp"}))
    result_of(await replace(world.ada, token=less).about("update", task_id, inputResponses=accept(asked)))
    done = await world.ada.until(task_id, *ENDED)
    assert done["result"]["structuredContent"]["error"]["code"] == "insufficient_scope"
    assert world.upstream.arrived == 0


async def test_progress_is_told_in_the_status_and_the_plan_by_its_handle(world: TasksWorld) -> None:
    """tasks: progress notifications are not for tasks."""
    task_id = await world.ada.task("batch_execute", PLAN)

    async def names_its_handle() -> bool:
        return str((await world.ada.get(task_id)).get("statusMessage")).startswith("started; resume: x_")

    await until(names_its_handle)
    world.upstream.gate.set()
    done = await world.ada.until(task_id, *ENDED)
    assert done["result"]["structuredContent"]["status"] == "completed"
    assert world.upstream.written == ["first", "second"]


async def test_who_goes_away_after_the_task_was_told_finds_it_again(world: TasksWorld) -> None:
    """What tasks are for: a client that lost its connection, or its process."""
    async with httpx2.AsyncClient(base_url=world.gateway.settings.base_url, timeout=30) as lost:
        task_id = await replace(world.ada, http=lost).task("call_api", READ)
    assert world.upstream.left == 0
    world.upstream.gate.set()
    assert (await world.ada.until(task_id, *ENDED))["status"] == "completed"


async def test_who_goes_away_before_cancels_the_call(tmp_path: Path) -> None:
    """MCP 2026-07-28 transports: closing the stream is how a client cancels."""
    async with tasks_world(tmp_path, after_s=60) as world:
        async with anyio.create_task_group() as group:
            group.start_soon(world.ada.call, "call_api", READ)
            await until(lambda: world.upstream.arrived == 1)
            group.cancel_scope.cancel()
        await until(lambda: world.upstream.left == 1)
