"""Clients of other makers that take tasks: the Python SDK's, by a claim of its own, and the TypeScript package of the extension."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import Field

from tests.conftest import REPOSITORY
from tests.flows.clients.test_node_clients import BINARIES
from tests.gateway import mcp_client
from tests.server.mcp.tasks.world import EXTENSION, PLAN, READ, TasksWorld, tasks_world
from tests.waiting import until
from tools.long_work import ENDED

SCRIPT = Path(__file__).with_name("tasks_client.mjs")
MODULES = REPOSITORY / "node_modules" / "@modelcontextprotocol"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[TasksWorld]:
    async with tasks_world(tmp_path) as opened:
        yield opened


class CreatedTask(Result):
    """A CreateTaskResult, as far as this client cares."""

    result_type: Literal["task"] = Field("task", alias="resultType")
    task_id: str = Field(alias="taskId")
    poll_interval_ms: int = Field(alias="pollIntervalMs")


class TaskId(RequestParams):
    task_id: str = Field(serialization_alias="taskId")


class GetTask(Request[TaskId, Literal["tasks/get"]]):
    name_param = "taskId"
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskId


class ShownTask(Result):
    status: str
    result: dict[str, Any] | None = None


class Polling(ClientExtension):
    """Resolves a task to the result of its call, as hosts do that show their model no task."""

    identifier = EXTENSION

    def __init__(self) -> None:
        self.seen: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return (ResultClaim(result_type="task", model=CreatedTask, resolve=self.resolve),)

    async def resolve(self, created: CreatedTask, ctx: ClaimContext) -> CallToolResult:
        shown: list[ShownTask] = []

        async def has_ended() -> bool:
            shown[:] = [await ctx.session.send_request(GetTask(params=TaskId(task_id=created.task_id)), ShownTask)]
            self.seen.append(shown[0].status)
            return shown[0].status in ENDED

        await until(has_ended)
        return CallToolResult.model_validate(shown[0].result)


async def test_the_python_sdk_resolves_a_task_to_the_answer_of_its_call(world: TasksWorld) -> None:
    """mcp 2.3, ResultClaim: the caller of call_tool sees nothing of the task."""
    polling = Polling()
    async with mcp_client(world.gateway, world.ada.token, extensions=[polling]) as client, anyio.create_task_group() as group:
        answers: list[CallToolResult] = []

        async def call() -> None:
            answers.append(await client.call_tool("batch_execute", PLAN))

        group.start_soon(call)
        await until(lambda: "working" in polling.seen)
        world.upstream.gate.set()
    assert isinstance(answers[0].structured_content, dict)
    assert answers[0].structured_content["status"] == "completed"
    assert world.upstream.written == ["first", "second"]
    assert polling.seen[-1] == "completed"


@pytest.mark.skipif(
    not (MODULES / "ext-tasks").exists() or not (BINARIES / "node").exists(),
    reason="node modules are not installed; run `make conformance`",
)
async def test_the_typescript_package_of_the_extension_polls_to_the_end(world: TasksWorld) -> None:
    """@modelcontextprotocol/ext-tasks checks every answer against the schemas of the extension."""
    url = world.gateway.settings.mcp_url("default")
    command = [str(BINARIES / "node"), str(SCRIPT), url, world.ada.token, "call_api", json.dumps(READ)]
    told: list[dict[str, Any]] = []
    async with await anyio.open_process(command, cwd=REPOSITORY) as process, anyio.create_task_group() as group:
        group.start_soon(read, process, told)
        await until(lambda: {"status": "working"} in told or process.returncode is not None)
        world.upstream.gate.set()
    assert process.returncode == 0, told
    assert told[-1]["outcome"]["result"]["structuredContent"]["data"] == {"notes": []}, told


async def read(process: Process, told: list[dict[str, Any]]) -> None:
    """Add each line that a client prints to `told`."""
    assert process.stdout is not None
    printed = ""
    async for text in TextReceiveStream(process.stdout):
        printed += text
        *lines, printed = printed.split("\n")
        told.extend(json.loads(line) for line in lines)
