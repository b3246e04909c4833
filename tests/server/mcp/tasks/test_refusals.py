"""What the tasks extension refuses, and what it passes over: on one gateway for all, since nothing of it changes anything."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tests.server.mcp.requests import legacy_body, legacy_headers
from tests.server.mcp.tasks.world import EXTENSION, READ, TasksWorld, result_of, tasks_world

METHODS = ("get", "update", "cancel")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Of the whole module, as the gateway is."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TasksWorld]:
    async with tasks_world(tmp_path_factory.mktemp("tasks")) as opened:
        yield opened


def error_of(response: httpx2.Response) -> tuple[int, int]:
    return response.status_code, response.json()["error"]["code"]


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
