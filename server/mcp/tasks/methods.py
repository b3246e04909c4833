"""`tasks/get`, `tasks/update` and `tasks/cancel` of MCP's extension `io.modelcontextprotocol/tasks`, over every kind of long work."""

from collections.abc import Mapping
from typing import Any

from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ConfigDict, Field
from starlette.requests import Request

from oauth.principal import Principal
from server.mcp.client_capabilities import of_meta
from server.mcp.extras import Context
from server.mcp.tasks.wire import detailed, not_declared, unknown_task
from tools.errors import InvalidArguments
from tools.long_work import LongWork, prefix_of
from tools.operation import ClientInfo, Json

#: ids are ours; what is longer is none
MAX_ID_CHARS = 700


class TaskParams(RequestParams):
    """What `tasks/get` and `tasks/cancel` are given."""

    model_config = ConfigDict(extra="ignore")
    task_id: str = Field(alias="taskId")


class UpdateParams(TaskParams):
    """What `tasks/update` is given. What an answer has to look like depends on what was asked."""

    input_responses: dict[str, Any] = Field(alias="inputResponses")


class TaskMethods:
    """Answers for all tasks; `work_by_prefix` says whose an id is."""

    def __init__(self, work_by_prefix: Mapping[str, LongWork]) -> None:
        self._work_by_prefix = work_by_prefix

    async def get(self, ctx: Context, params: TaskParams) -> HandlerResult:
        """Answer a poll."""
        principal, _client = _caller(ctx, params)
        task = await self._work(params.task_id).show(principal, params.task_id)
        if task is None:
            raise unknown_task()
        return {"resultType": "complete", **detailed(task)}

    async def update(self, ctx: Context, params: UpdateParams) -> HandlerResult:
        """Take what a client answers; the acknowledgement says nothing of what becomes of it."""
        principal, client = _caller(ctx, params)
        try:
            is_known = await self._work(params.task_id).feed(principal, params.task_id, params.input_responses, client=client)
        except InvalidArguments as error:
            raise MCPError(INVALID_PARAMS, error.failure.message) from error
        return _acknowledged(is_known)

    async def cancel(self, ctx: Context, params: TaskParams) -> HandlerResult:
        """Have a task stopped, by and by."""
        principal, _client = _caller(ctx, params)
        return _acknowledged(await self._work(params.task_id).cancel(principal, params.task_id))

    def _work(self, task_id: str) -> LongWork:
        work = self._work_by_prefix.get(prefix_of(task_id))
        if work is None or len(task_id) > MAX_ID_CHARS:
            raise unknown_task()
        return work


def _acknowledged(is_known: bool) -> dict[str, Json]:
    if not is_known:
        raise unknown_task()
    return {"resultType": "complete"}


def caller(ctx: Context) -> tuple[Principal, ClientInfo]:
    """Return who asks, and what the client says of itself. Raises MCPError for a client of another revision."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        # tasks, "Backward Compatibility": what 2025-11-25 calls so is something else, which we do not have.
        raise MCPError(METHOD_NOT_FOUND, "Method not found", ctx.method)
    assert isinstance(ctx.request, Request)
    principal: Principal = ctx.request.scope["ascend.principal"]
    return principal, of_meta((ctx.params or {}).get("_meta") or {}, ctx.protocol_version)


def _caller(ctx: Context, params: TaskParams) -> tuple[Principal, ClientInfo]:
    """Return who asks about a task. Raises MCPError for a client that may not."""
    principal, client = caller(ctx)
    if not client.takes_tasks:
        raise not_declared(ctx.method)
    assert isinstance(ctx.request, Request)
    # tasks, "Routing Headers": whoever routes by the header must not see another task than is meant.
    if decode_header_value(ctx.request.headers.get(MCP_NAME_HEADER)) != params.task_id:
        raise MCPError(HEADER_MISMATCH, "the Mcp-Name header must be the params.taskId of the request")
    return principal, client
