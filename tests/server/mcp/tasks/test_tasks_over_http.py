"""The tasks extension over real HTTP, as a client of 2026-07-28 sees it; clients without it, of both eras, see what they saw before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.gateway import mcp_client
from tests.server.mcp.requests import legacy_body, legacy_headers
from tests.server.mcp.tasks.world import EXTENSION, PLAN, READ, TaskClient, TasksWorld, result_of, tasks_world
from tests.waiting import until
from tools.long_work import ENDED

METHODS = ("get", "update", "cancel")
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


async def test_the_methods_are_for_clients_that_declare_the_extension(world: TasksWorld) -> None:
    """tasks, "Protocol Errors": -32021 with what is required."""
    undeclared = replace(world.ada, capabilities={"elicitation": {}})
    for what in METHODS:
        refused = await undeclared.about(what, "t_any", inputResponses={})
        assert error_of(refused) == (400, -32021)
        assert refused.json()["error"]["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_the_header_names_the_task_that_is_meant(world: TasksWorld) -> None:
    """tasks, "Routing Headers": whoever routes by it must not see another task than is answered."""
    task_id = await world.ada.task("call_api", READ)
    for what in METHODS:
        for name in ("t_another", None):
            refused = await world.ada.post(f"tasks/{what}", {"taskId": task_id, "inputResponses": {}}, name)
            assert error_of(refused) == (400, -32020)
    assert (await world.ada.get(task_id))["status"] == "working"


async def test_the_tasks_of_2025_are_not_there_for_anybody(world: TasksWorld) -> None:
    """tasks, "Backward Compatibility": what is removed is unknown, and clients of 2025 mean another feature, which is not advertised."""
    for method in ("tasks/result", "tasks/list"):
        assert error_of(await world.ada.post(method, {}, None)) == (404, -32601)
    headers = legacy_headers() | {"authorization": f"Bearer {world.ada.token}"}
    for method in ("tasks/get", "tasks/cancel", "tasks/result", "tasks/list"):
        response = await world.http.post("/mcp", json=legacy_body(method, {"taskId": "t_any"}), headers=headers)
        assert "-32601" in response.text


async def test_the_extension_is_advertised_and_nothing_else_changes(world: TasksWorld) -> None:
    """Nobody should listen for lists that never change."""
    told = result_of(await world.ada.post("server/discover", {}, None))["capabilities"]
    assert told["extensions"] == {EXTENSION: {}}
    assert told["tools"] == {"listChanged": False}
    assert "tasks" not in told


async def test_a_person_never_learns_of_anothers_tasks(world: TasksWorld) -> None:
    """tasks, "Auth binding": another person, another tenant, a made-up id and one of another kind are answered alike."""
    task_id = await world.ada.task("call_api", READ)
    strangers = [await world.client("bob@example.com"), await world.client("eve@example.com", "acme")]
    seen = set()
    for stranger in strangers:
        for what in METHODS:
            for other in (task_id, "t_nothing", "x_nothing", "", "t" * 600):
                refused = await stranger.about(what, other, inputResponses={})
                assert error_of(refused) == (400, -32602), refused.text
                seen.add(refused.json()["error"]["message"])
    assert len(seen) == 1
    assert (await world.ada.get(task_id))["status"] == "working"


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
    async with httpx2.AsyncClient(base_url=world.gateway.settings.base_url) as lost:
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


async def test_params_of_no_known_shape_are_refused(world: TasksWorld) -> None:
    task_id = await world.ada.task("call_api", READ)
    for params in ({}, {"taskId": 7}, {"taskId": None}, {"taskId": ["t_1"]}):
        for what in METHODS:
            assert error_of(await world.ada.post(f"tasks/{what}", {**params, "inputResponses": {}}, "t_1")) == (400, -32602)
    wrong: list[Any] = [None, [], "yes", 1]
    for responses in wrong:
        assert error_of(await world.ada.about("update", task_id, inputResponses=responses)) == (400, -32602)


async def test_answers_to_a_task_that_asks_nothing_are_acknowledged_and_change_nothing(world: TasksWorld) -> None:
    """tasks: keys that are not outstanding SHOULD be ignored."""
    task_id = await world.ada.task("call_api", READ)
    acknowledged = result_of(await world.ada.about("update", task_id, inputResponses={"connect_1": {"action": "accept"}}))
    assert acknowledged.keys() - {"_meta"} == {"resultType"}
    assert (await world.ada.get(task_id))["status"] == "working"


async def test_a_wish_for_a_long_life_is_no_argument(world: TasksWorld) -> None:
    """tasks: the `task` parameter of 2025-11-25 is ignored; nobody but the gateway says how long a task is kept."""
    params = {"name": "call_api", "arguments": READ, "task": {"ttl": 10**12, "pollInterval": 1}}
    created = result_of(await world.ada.post("tools/call", params, "call_api"))
    assert (created["resultType"], created["ttlMs"], created["pollIntervalMs"]) == ("task", 3_600_000, 1_000)
