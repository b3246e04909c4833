"""Fixture tools of the conformance suite that become tasks (MCP extension `io.modelcontextprotocol/tasks`), by the gateway's own means."""

from collections.abc import Mapping
from typing import Final

import anyio
import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from starlette.requests import Request

from server.mcp.answers import Answer, FormQuestion, ToolAnswer, encoded
from server.mcp.conformance.rounds import NAME, form, required
from server.mcp.conformance.tools import text
from server.mcp.extras import CallTool, Context
from server.mcp.sdk_path import tool_request
from server.mcp.tasks.calls import CallTasks
from server.mcp.tasks.running import Runs
from server.mcp.tasks.wire import not_declared
from server.mcp.tool_request import ToolRequest
from tools.operation import Json, Progress, no_progress

#: tools that cannot answer otherwise
REQUIRED: Final = frozenset({"failing_job", "test_tool_with_task"})
#: set among the arguments once everything was answered
_ANSWERED: Final = "answered"
_PAUSE_S: Final = 1.0
#: what ends at once never becomes a task
_MOMENT_S: Final = 0.05


async def _slow(request: ToolRequest, progress: Progress) -> Answer:
    await anyio.sleep(float(request.arguments.get("seconds", 0)))
    return _answer(f"computed {request.arguments.get('label', '')}")


async def _failing(request: ToolRequest, progress: Progress) -> Answer:
    await anyio.sleep(_PAUSE_S)
    return _answer("this job always fails", is_error=True)


async def _breaking(request: ToolRequest, progress: Progress) -> Answer:
    await anyio.sleep(_MOMENT_S)
    raise MCPError(INTERNAL_ERROR, "this job always breaks the protocol")


def _asking(questions: Mapping[str, Json], done: str) -> Runs:
    async def run(request: ToolRequest, progress: Progress) -> Answer:
        await anyio.sleep(_MOMENT_S)
        if _ANSWERED not in request.arguments:
            return FormQuestion(questions, {_ANSWERED: True})
        return _answer(done)

    return run


async def _greeting(request: ToolRequest, progress: Progress) -> Answer:
    await anyio.sleep(_MOMENT_S)
    return _answer(f"Hello, {request.arguments.get('user_name', '')}!")


RUNS: Final[Mapping[str, Runs]] = {
    "slow_compute": _slow,
    "failing_job": _failing,
    "protocol_error_job": _breaking,
    "confirm_delete": _asking({"delete": form("Delete the file?", "confirm", "boolean")}, "deleted"),
    "multi_input": _asking({key: form(f"Your {key}?", "name") for key in ("first", "second")}, "both inputs are there"),
    "test_tool_with_task": _greeting,
}


def long_tools(tasks: CallTasks) -> dict[str, CallTool]:
    """Return the fixture tools, each of which becomes a task of `tasks` at once where its client takes one."""
    tasks.runs_by_tool |= RUNS
    return {"greet": _greet, **{name: _tool(tasks, name) for name in RUNS}}


async def _greet(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    return text(f"Hello, {(params.arguments or {}).get('name', '')}!")


def _tool(tasks: CallTasks, name: str) -> CallTool:
    async def tool(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        assert isinstance(ctx.request, Request)
        request = tool_request(ctx, ctx.request, params)
        if not request.client.takes_tasks and name in REQUIRED:
            raise not_declared(name)
        if name == "test_tool_with_task":
            # tasks, "Task Creation": what is asked before a task is made is asked in rounds.
            answers = params.input_responses or {}
            if not set(NAME) <= set(answers):
                return required(NAME)
            name_given = answers["user_name"]
            content = name_given.content if isinstance(name_given, types.ElicitResult) else None
            request = request._replace(arguments={"user_name": (content or {}).get("name", "")})
        if request.client.takes_tasks:
            return (await tasks.answer(request, no_progress, after_s=0)).to_result()
        answered = await RUNS[name](request, no_progress)
        return answered.to_result()

    return tool


def _answer(words: str, *, is_error: bool = False) -> ToolAnswer:
    structured = {"said": words}
    return ToolAnswer(structured, encoded(structured), words, is_error)
