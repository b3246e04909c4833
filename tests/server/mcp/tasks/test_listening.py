"""`subscriptions/listen` for tasks: each status on one stream, for whoever may see the task."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.mcp.tasks.subscriptions import MAX_STREAMS, MAX_TASKS
from tests.server.mcp.requests import modern_body, modern_headers
from tests.server.mcp.tasks.world import EXTENSION, READ, TaskClient, TasksWorld, tasks_world
from tests.waiting import until
from tools.long_work import ENDED

METHOD = "subscriptions/listen"
STAMP = "io.modelcontextprotocol/subscriptionId"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[TasksWorld]:
    async with tasks_world(tmp_path) as opened:
        yield opened


async def listen(client: TaskClient, filter_: dict[str, Any], told: list[dict[str, Any]]) -> None:
    """Add every message of one stream to `told`, until it ends."""
    body = modern_body(METHOD, {"notifications": filter_}, capabilities=client.capabilities, request_id=7)
    headers = {**modern_headers(METHOD), "authorization": f"Bearer {client.token}"}
    async with client.http.stream("POST", client.path, json=body, headers=headers) as response:
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                told.append(json.loads(line[5:]))
            elif line.startswith("{"):
                told.append(json.loads(line))


async def test_whoever_listens_is_told_of_each_status_and_of_the_end(world: TasksWorld) -> None:
    """tasks, "Task Status Notifications": the acknowledgement first, then what tasks/get would have said, and a graceful end."""
    task_id = await world.ada.task("call_api", READ)
    told: list[dict[str, Any]] = []
    async with anyio.create_task_group() as group:
        group.start_soon(listen, world.ada, {"taskIds": [task_id, "t_nothing"], "toolsListChanged": True}, told)
        await until(lambda: len(told) == 2)
        world.upstream.gate.set()
    acknowledged, working, completed, ended = told
    assert acknowledged["params"]["notifications"] == {"taskIds": [task_id]}
    assert [each["method"] for each in (working, completed)] == ["notifications/tasks"] * 2
    assert [each["params"]["status"] for each in (working, completed)] == ["working", "completed"]
    assert completed["params"].pop("_meta") == {STAMP: 7}
    seen = await world.ada.get(task_id)
    assert completed["params"] == {name: value for name, value in seen.items() if name not in ("resultType", "_meta")}
    assert (ended["id"], ended["result"]["resultType"], ended["result"]["_meta"][STAMP]) == (7, "complete", 7)


async def test_a_stranger_is_told_of_nothing(world: TasksWorld) -> None:
    """The same as for a task that never was: an empty agreement, and an end."""
    task_id = await world.ada.task("call_api", READ)
    bob = await world.client("bob@example.com")
    of_ada: list[dict[str, Any]] = []
    of_nobody: list[dict[str, Any]] = []
    await listen(bob, {"taskIds": [task_id]}, of_ada)
    await listen(bob, {"taskIds": ["t_nothing"]}, of_nobody)
    assert of_ada == of_nobody
    assert [each.get("method") for each in of_ada] == ["notifications/subscriptions/acknowledged", None]


async def test_who_may_not_listen_is_told_why(world: TasksWorld) -> None:
    """-32021 without the extension; -32602 for what is no list of ids."""
    refused: list[dict[str, Any]] = []
    await listen(replace(world.ada, capabilities={}), {"taskIds": ["t_1"]}, refused)
    for wrong in ("t_1", [1], ["t"] * (MAX_TASKS + 1)):
        await listen(world.ada, {"taskIds": wrong}, refused)
    assert [each["error"]["code"] for each in refused] == [-32021, -32602, -32602, -32602]
    assert refused[0]["error"]["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_a_person_has_so_many_streams_and_each_that_ends_makes_room(world: TasksWorld) -> None:
    """What is held open is counted."""
    task_id = await world.ada.task("call_api", READ)
    streams: list[list[dict[str, Any]]] = [[] for _ in range(MAX_STREAMS[0])]
    refused: list[dict[str, Any]] = []
    async with anyio.create_task_group() as group:
        for told in streams:
            group.start_soon(listen, world.ada, {"taskIds": [task_id]}, told)
        await until(lambda: all(streams))
        await listen(world.ada, {"taskIds": [task_id]}, refused)
        assert "too many streams" in refused[0]["error"]["message"]
        world.upstream.gate.set()
    await world.ada.until(task_id, *ENDED)
    again: list[dict[str, Any]] = []
    await listen(world.ada, {"taskIds": [task_id]}, again)
    assert [each.get("params", {}).get("status") for each in again] == [None, "completed", None]
