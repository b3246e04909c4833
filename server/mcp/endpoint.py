"""The MCP endpoint: both protocol eras at one URL, answered without server-side MCP sessions.

Two paths recognise a request, server/mcp/fast_path.py and server/mcp/sdk_path.py. What a call asks is one ToolRequest from either,
and server/mcp/tool_calls.py answers it.
"""

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from starlette.types import Receive, Scope, Send

from server.config.settings import Settings
from server.http.buffered_exchange import BufferedExchange, buffered_exchange
from server.mcp.answers import encoded
from server.mcp.duplicate_names import repeated_name_in_turns
from server.mcp.extras import Extras, NoExtras
from server.mcp.fast_path import FastPath, FastRequest
from server.mcp.halves_for_memory import readable
from server.mcp.pending_plans import PendingPlans
from server.mcp.request_state import RequestStates
from server.mcp.response import JSON_HEADERS, DisconnectWatcher, Exchange
from server.mcp.sdk_path import SdkPath
from server.mcp.tasks.calls import NO_OTHERS, CallTasks
from server.mcp.tasks.extension import TasksExtension
from server.mcp.tasks.ledger import TaskLedger
from server.mcp.tool_calls import Dispatch, StepUp, ToolCalls
from server.mcp.transport import send_rpc_error, send_whole
from server.observability.trace_context import Tracing
from server.origins import Callers
from server.request_body import BODY_TIMEOUT_S, LARGE_BODY_BYTES, MAX_BODY_BYTES, ClientGone, read_body
from server.request_scope import ADDED_HEADERS
from server.storage.change_feed import Change, ChangeFeed
from server.storage.tools.tasks import TASKS_CHANGED, TASKS_STOPPED, task_hash
from tools.always_on import offered
from tools.heavy_json.weight import MAX_SENT_VALUES, values_in_turns
from tools.long_work import CALLS, LongWork


class McpEndpoint:
    """An ASGI application behind the bearer guard, which sets `scope["ascend.principal"]`.

    It serves `/mcp`, `/mcp/` and `/mcp/{tenant}` alike: the tenant is the principal's. Enter `run()` in the lifespan.
    """

    def __init__(
        self,
        *,
        dispatcher: Dispatch,
        step_up: StepUp,
        settings: Settings,
        tracing: Tracing | None = None,
        has_fast_path: bool = True,
        states: RequestStates | None = None,
        plans: PendingPlans | None = None,
        extras: Extras | None = None,
        tasks: TaskLedger | None = None,
        long_work: Mapping[str, LongWork] = NO_OTHERS,
    ) -> None:
        """`tasks`: keeps calls that become tasks; without it there are none. `long_work`: other kinds of it, by the prefix of their ids."""
        extras = extras or NoExtras()
        callers = Callers(settings.base_url, settings.origin.allowed_origins)
        self._calls = ToolCalls(dispatcher, tracing or Tracing(), states or RequestStates(), step_up, callers, plans)
        after_s = settings.mcp.mcp_task_after_s
        self.tasks = CallTasks(self._calls.answer, tasks, after_s, long_work) if tasks is not None else None
        self._calls.tasks = self.tasks
        self._extension = TasksExtension({CALLS: self.tasks, **long_work}) if self.tasks is not None else None
        tools = [types.Tool.model_validate(tool.to_wire()) for tool in offered()]
        self._sdk_path = SdkPath(self._calls, extras.listed(tools), callers, settings.base_url, extras, self._extension)
        self._fast_path = FastPath(self._sdk_path.listing, self._sdk_path.server_info, callers, extras.tools) if has_fast_path else None
        self._long_calls = DisconnectWatcher()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve while entered; leaving it cancels what still runs."""
        async with AsyncExitStack() as stack:
            if self.tasks is not None:
                await stack.enter_async_context(self.tasks.run())
            await stack.enter_async_context(self._sdk_path.manager.run())
            yield

    def listen(self, feed: ChangeFeed) -> None:
        """Have changes of tasks told that another process made."""
        feed.listen(TASKS_CHANGED, self._tasks_changed)
        feed.listen(TASKS_STOPPED, self._tasks_stopped)

    async def _tasks_changed(self, changes: Sequence[Change]) -> None:
        if self._extension is not None:
            self._extension.changed({change.item for change in changes})

    async def _tasks_stopped(self, changes: Sequence[Change]) -> None:
        hashes = {change.item for change in changes}
        if self.tasks is not None:
            self.tasks.stop([task_id for task_id in self.tasks.under_way if task_hash(task_id) in hashes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # MCP 2026-07-28, transports: GET and DELETE belonged to sessions.
        if scope["method"] != "POST":
            await self._sdk_path.answer_method(scope, receive, send)
            return
        whole = buffered_exchange(scope)
        # decision 0018: where it is all here, without events.
        body = whole.take_body() if whole is not None else None
        try:
            if body is None:
                body = await read_body(receive)
        except ClientGone:
            return
        except TimeoutError:
            await send_rpc_error(
                send, 408, f"the request body did not arrive within {BODY_TIMEOUT_S:.0f} s", headers=[(b"connection", b"close")]
            )
            return
        if body is None:
            await send_rpc_error(send, 413, f"request body is larger than {MAX_BODY_BYTES} bytes; send less, or fewer steps at once")
            return
        # RFC 8259 §8.1: a reader may ignore the byte order mark that some writers put in front.
        body = body.removeprefix(BOM_UTF8)
        # decision 0018: hardly a body has an escape of what may be half a character.
        if b"\\ud" in body or b"\\uD" in body:
            body = readable(body)
        # decision 0027: weighed as text, since decoding millions of values stops everybody.
        if len(body) > MAX_SENT_VALUES and await values_in_turns(body, MAX_SENT_VALUES) > MAX_SENT_VALUES:
            message = f"the body holds more than {MAX_SENT_VALUES:,} values; send fewer at once, or many as one text or file"
            await send_rpc_error(send, 413, message)
            return
        # Weighing, recognising and answering are one piece of work each over the whole body: others have a turn in between.
        if len(body) > LARGE_BODY_BYTES:
            await asyncio.sleep(0)
        # decision 0018: it recognises or declines, and what it declines loses nothing.
        request = self._fast_path.recognize(scope, body) if self._fast_path is not None else None
        if len(body) > LARGE_BODY_BYTES:
            await asyncio.sleep(0)
            unclear = request.unclear_names if request is not None else None
            if unclear is not None and await repeated_name_in_turns(body, unclear) is not None:
                request = None
        if self._fast_path is None or request is None:
            await self._sdk_path.answer(scope, body, receive, send)
        else:
            await self._answer_fast(self._fast_path, request, scope, receive, send, whole)

    async def _answer_fast(
        self, path: FastPath, request: FastRequest, scope: Scope, receive: Receive, send: Send, whole: BufferedExchange | None
    ) -> None:
        if request.tool is None:
            await send_whole(send, 200, JSON_HEADERS, path.listing(request.request_id))
            return
        exchange = Exchange(receive, send, request.progress_token, self._long_calls, whole, scope.get(ADDED_HEADERS, ()))
        with exchange:
            try:
                answer = await self._calls.answer(request.tool, exchange.progress)
            except MCPError as error:
                status = ERROR_CODE_HTTP_STATUS.get(error.code, 200)
                await exchange.finish(status, _error_body(request.request_id, error))
                return
            # RFC 6750 §3.1, MCP authorization: 403, unless the status has gone out with the first event.
            if answer.step_up is not None and not exchange.is_streaming:
                headers, body = answer.step_up
                await exchange.finish(403, body, headers)
            else:
                await exchange.finish(200, path.result(request.request_id, answer.to_members()))


def _error_body(request_id: int | str, error: MCPError) -> bytes:
    return encoded({"jsonrpc": "2.0", "id": request_id, "error": error.error.model_dump(mode="json", exclude_none=True)})
