"""The long way, through the MCP SDK, which judges everything that is not plain."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from server.identity import INSTRUCTIONS, NAME, TITLE, VERSION
from server.mcp.accept import BOTH, accepted, in_type, json_type, with_both
from server.mcp.client_capabilities import mint_session_id, of_meta, of_session_id
from server.mcp.extras import Context, Extras
from server.mcp.prompts import get_prompt, list_prompts
from server.mcp.protocol_version import declares_version, is_handshake, refuse_version, unknown_version, without_version
from server.mcp.request_state import NOTHING_ASKED
from server.mcp.sdk_user import WithSdkUser
from server.mcp.tasks.extension import TasksExtension
from server.mcp.tool_calls import ToolCalls
from server.mcp.tool_request import ToolRequest
from server.mcp.transport import envelope_fault, foreign_caller, held_start, replay, send_rpc_error, trimmed
from server.observability.trace_context import carrier_of
from server.origins import Callers
from server.request_body import LARGE_BODY_BYTES, MAX_BODY_BYTES
from server.request_scope import EXTRA_HEADERS, REPLACEMENT
from tools.operation import Json, Progress

#: the tool list is constant, so a client may keep it for an hour
LIST_TTL_MS: Final = 3_600_000


class SdkPath:
    """Has the SDK recognise a request, and answers its calls as the fast path does. `manager.run()` belongs into the lifespan."""

    def __init__(
        self,
        calls: ToolCalls,
        tools: list[types.Tool],
        callers: Callers,
        base_url: str,
        extras: Extras,
        extension: TasksExtension | None = None,
    ) -> None:
        self._calls, self._callers, self._extras, self._extension = calls, callers, extras, extension
        self.listing = types.ListToolsResult(tools=tools, ttl_ms=LIST_TTL_MS, cache_scope="private")
        self._server = self._build_server({tool.name: tool.input_schema for tool in tools} | extras.schema_by_name)
        self.manager = StreamableHTTPSessionManager(
            self._server,
            # Plain JSON where a call ends within 15 s without progress (2026-07-28), an event stream otherwise.
            json_response=False,
            # MCP 2026-07-28 has no sessions; a session id must never stand for a person.
            stateless=not extras.has_sessions,
            # It compares by prefix; `foreign_caller` does not.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=MAX_BODY_BYTES,
        )
        self._sdk = WithSdkUser(self.manager.handle_request, base_url)

    @property
    def server_info(self) -> Mapping[str, Json]:
        """What the SDK stamps into each result (MCP 2026-07-28, `serverInfo` in `_meta`)."""
        return self._server.server_info_stamp

    async def answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Answer a POST whose whole body is `body`."""
        headers = trimmed(scope["headers"])
        if (foreign := foreign_caller(headers, self._callers)) is not None:
            await send_rpc_error(send, *foreign)
            return
        # MCP, Streamable HTTP: the body is JSON. RFC 9110 §8.3: who names no type leaves it to us.
        if (named := json_type(headers)) is None:
            await send_rpc_error(send, 400, "the body must be JSON; send Content-Type: application/json")
            return
        headers = named
        # JSON-RPC 2.0 §5.1.
        if (fault := await envelope_fault(body)) is not None:
            await send_rpc_error(send, 400, fault[1], code=fault[0])
            return
        if len(body) > LARGE_BODY_BYTES:
            await asyncio.sleep(0)
        takes = accepted(headers)
        # RFC 9110 §15.5.7.
        if not takes.json and not takes.events:
            await send_rpc_error(send, 406, f"Accept takes no answer that MCP has; send Accept: {BOTH.decode()}")
            return
        if (version := unknown_version(headers)) is not None and not declares_version(body):
            if not is_handshake(body):
                await refuse_version(send, body, version)
                return
            headers = without_version(headers)
        scope["headers"] = with_both(headers)
        await self._sdk(scope, replay(body, receive), held_start(scope, in_type(send, takes)))

    async def answer_method(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is no POST: without sessions there is nothing to read or to end."""
        if (foreign := foreign_caller(trimmed(scope["headers"]), self._callers)) is not None:
            await send_rpc_error(send, *foreign)
        elif self._extras.has_sessions:
            await self._sdk(scope, receive, send)
        else:
            # RFC 9110 §15.5.6: Allow is REQUIRED.
            await send_rpc_error(send, 405, "this endpoint answers POST only", headers=[(b"allow", b"POST")])

    def _build_server(self, schema_by_name: dict[str, dict[str, Any]]) -> Server[Any]:
        server = _ConstantLists(
            NAME,
            version=VERSION,
            title=TITLE,
            instructions=INSTRUCTIONS,
            are_lists_constant=not self._extras.has_sessions,
            cache_hints={"server/discover": CacheHint(LIST_TTL_MS, "private")},
            get_tool_input_schema=schema_by_name.get,
            on_list_tools=self._list_tools,
        )
        server.add_request_handler("tools/call", types.CallToolRequestParams, self._call_tool)
        server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
        server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
        # The SDK opens a span for every message, for 22 % of a call's time; server/mcp/tool_calls.py opens one for every call.
        server.middleware = [] if self._extras.has_sessions else [_remember_client]
        if self._extension is not None:
            self._extension.install(server)
        self._extras.install(server, self._calls.tasks)
        return server

    async def _list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return self.listing

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        if (extra := self._extras.tools.get(params.name)) is not None:
            return await extra(ctx, params)
        assert isinstance(ctx.request, Request)
        answer = await self._calls.answer(tool_request(ctx, ctx.request, params), _progress_of(ctx))
        if answer.step_up is not None:
            # RFC 6750 §3.1: the SDK knows no 403 out of a handler.
            ctx.request.scope[REPLACEMENT] = (403, *answer.step_up)
        return answer.to_result()


class _ConstantLists(Server[Any]):
    """To the SDK, whoever answers `subscriptions/listen` has lists that change; ours do not, and nobody should listen for it."""

    def __init__(self, *given: Any, are_lists_constant: bool, **named: Any) -> None:
        """`are_lists_constant` False: what the conformance suite is served changes."""
        super().__init__(*given, **named)
        self._are_lists_constant = are_lists_constant

    def get_capabilities(self, *given: Any, **named: Any) -> types.ServerCapabilities:
        capabilities = super().get_capabilities(*given, **named)
        if self._are_lists_constant:
            for lists in (capabilities.tools, capabilities.prompts):
                if lists is not None:
                    lists.list_changed = False
        return capabilities


def tool_request(ctx: Context, request: Request, params: types.CallToolRequestParams) -> ToolRequest:
    """Return what a call asks that the SDK recognised."""
    meta = (ctx.params or {}).get("_meta") or {}
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        client = of_meta(meta, ctx.protocol_version)
    else:
        client = of_session_id(request.headers.get("mcp-session-id"), ctx.protocol_version)
    return ToolRequest(
        principal=request.scope["ascend.principal"],
        name=params.name,
        arguments=params.arguments or {},
        client=client,
        carrier=carrier_of(meta, request.headers),
        host=request.headers.get("host"),
        asked=NOTHING_ASKED if params.input_responses is None else None,
        state=params.request_state,
    )


async def _remember_client(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Put what an initializing client declares into its `Mcp-Session-Id`, from which every later request tells it again."""
    result = await call_next(ctx)
    if ctx.method == "initialize" and (session_id := mint_session_id(ctx.params)) is not None:
        assert isinstance(ctx.request, Request)
        ctx.request.scope[EXTRA_HEADERS] = [(b"mcp-session-id", session_id.encode())]
    return result


def _progress_of(ctx: Context) -> Progress:
    """Return what tells this client of progress; it reaches only a client that sent a `progressToken`."""

    async def progress(done: float, total: float | None, message: str | None) -> None:
        await ctx.session.report_progress(done, total, message)

    return progress
