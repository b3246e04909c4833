"""The MCP endpoint: both protocol eras at one URL, answered without server-side MCP sessions."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from oauth.principal import Principal
from server.config import Settings
from server.http.buffered_exchange import BufferedExchange, buffered_exchange
from server.identity import INSTRUCTIONS, NAME, TITLE, VERSION
from server.mcp.accept import BOTH, accepted, in_type, with_both
from server.mcp.answers import encoded
from server.mcp.client_capabilities import mint_session_id, of_meta, of_session_id
from server.mcp.conformance.fixtures import HEADER_SCHEMA, HEADER_TOOL, ConformanceFixtures
from server.mcp.fast_path import FastPath, FastRequest
from server.mcp.protocol_version import declares_version, is_handshake, refuse_version, unknown_version, without_version
from server.mcp.request_state import RequestStates
from server.mcp.response import JSON_HEADERS, DisconnectWatcher, Exchange
from server.mcp.sdk_user import WithSdkUser
from server.mcp.tool_calls import Dispatch, ToolCalls
from server.mcp.transport import envelope_fault, foreign_caller, held_start, replay, send_rpc_error, send_whole, trimmed
from server.observability.trace_context import Tracing, carrier_of
from server.origins import Callers, host_of
from server.request_body import BODY_TIMEOUT_S, MAX_BODY_BYTES, ClientGone, read_body
from server.request_scope import ADDED_HEADERS, EXTRA_HEADERS, REPLACEMENT, Headers
from tools.always_on import ALWAYS_ON
from tools.heavy_json.weight import MAX_SENT_VALUES, values_in_text
from tools.operation import Progress

#: the tool list is constant, so a client may keep it for an hour
LIST_TTL_MS = 3_600_000

#: (principal, missing scopes, our origin as the client spells it) -> headers and body of the 403 that asks for more scopes
StepUp = Callable[[Principal, frozenset[str], str], tuple[Headers, bytes]]
Context = ServerRequestContext[Any, Any]


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
    ) -> None:
        self._calls = ToolCalls(dispatcher, (tool.name for tool in ALWAYS_ON), tracing or Tracing(), states or RequestStates())
        self._step_up = step_up
        self._tools = [types.Tool.model_validate(tool.to_wire()) for tool in ALWAYS_ON]
        self._schema_by_name = {tool.name: tool.input_schema for tool in self._tools}
        self._callers = Callers(settings.base_url, settings.allowed_origins)
        self._fixtures = ConformanceFixtures() if settings.conformance_fixtures else None
        if self._fixtures is not None:
            self._schema_by_name[HEADER_TOOL] = HEADER_SCHEMA
        self._server = self._build_server()
        self._manager = StreamableHTTPSessionManager(
            self._server,
            # Plain JSON where a call ends within 15 s without progress (2026-07-28), an event stream otherwise.
            json_response=False,
            stateless=self._fixtures is None,
            # It compares by prefix; `foreign_caller` does not.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=MAX_BODY_BYTES,
        )
        self._sdk = WithSdkUser(self._manager.handle_request, settings.base_url)
        self._long_calls = DisconnectWatcher()
        self._lean = FastPath(self._listing(), self._server.server_info_stamp, self._callers) if has_fast_path else None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve while entered; leaving it cancels what still runs."""
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._refuse_method(scope, receive, send)
            return
        whole = buffered_exchange(scope)
        body = whole.body() if whole is not None else None
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
        if len(body) > MAX_SENT_VALUES and values_in_text(body, MAX_SENT_VALUES) > MAX_SENT_VALUES:
            message = f"the body holds more than {MAX_SENT_VALUES:,} values; send fewer at once, or many as one text or file"
            await send_rpc_error(send, 413, message)
            return
        lean = self._lean.recognize(scope, body) if self._lean is not None else None
        if lean is None or (self._fixtures is not None and lean.name is not None and self._fixtures.has(lean.name)):
            await self._answer_by_sdk(scope, body, receive, send)
        else:
            await self._answer_lean(lean, scope, receive, send, whole)

    async def _answer_by_sdk(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        headers = trimmed(scope["headers"])
        if (foreign := foreign_caller(headers, self._callers)) is not None:
            await send_rpc_error(send, *foreign)
            return
        if (fault := envelope_fault(body)) is not None:
            await send_rpc_error(send, 400, fault[1], code=fault[0])
            return
        takes = accepted(headers)
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

    async def _answer_lean(self, request: FastRequest, scope: Scope, receive: Receive, send: Send, whole: BufferedExchange | None) -> None:
        assert self._lean is not None
        if request.name is None:
            await send_whole(send, 200, JSON_HEADERS, self._lean.listing(request.request_id))
            return
        principal: Principal = scope["ascend.principal"]
        exchange = Exchange(receive, send, request.progress_token, self._long_calls, whole, scope.get(ADDED_HEADERS, ()))
        with exchange:
            try:
                answer = await self._calls.call(
                    principal,
                    request.name,
                    request.arguments,
                    request.client,
                    carrier=carrier_of(request.meta, request.trace_headers),
                    progress=exchange.progress,
                )
            except MCPError as error:
                status = ERROR_CODE_HTTP_STATUS.get(error.code, 200)
                await exchange.finish(status, _error_body(request.request_id, error))
                return
            if answer.missing_scopes and not exchange.is_streaming:
                headers, body = self._step_up(principal, answer.missing_scopes, self._callers.base_url_at(host_of(scope)))
                await exchange.finish(403, body, headers)
            else:
                await exchange.finish(200, self._lean.result(request.request_id, answer.to_members()))

    async def _refuse_method(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (foreign := foreign_caller(trimmed(scope["headers"]), self._callers)) is not None:
            await send_rpc_error(send, *foreign)
        elif self._fixtures is not None:
            await self._sdk(scope, receive, send)
        else:
            await send_rpc_error(send, 405, "this endpoint answers POST only", headers=[(b"allow", b"POST")])

    def _build_server(self) -> Server[Any]:
        server: Server[Any] = Server(
            NAME,
            version=VERSION,
            title=TITLE,
            instructions=INSTRUCTIONS,
            cache_hints={"server/discover": CacheHint(LIST_TTL_MS, "private")},
            get_tool_input_schema=self._schema_by_name.get,
            on_list_tools=self._list_tools,
        )
        server.add_request_handler("tools/call", types.CallToolRequestParams, self._call_tool)
        # The SDK opens a span for every message, for 22 % of a call's time; server/mcp/tool_calls.py opens one for every call.
        server.middleware = [self._remember_client] if self._fixtures is None else []
        if self._fixtures is not None:
            self._fixtures.install(server)
        return server

    async def _remember_client(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Put what an initializing client declares into its `Mcp-Session-Id`, from which every later request tells it again."""
        result = await call_next(ctx)
        if ctx.method == "initialize" and (session_id := mint_session_id(ctx.params)) is not None:
            assert isinstance(ctx.request, Request)
            ctx.request.scope[EXTRA_HEADERS] = [(b"mcp-session-id", session_id.encode())]
        return result

    async def _list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return self._listing()

    def _listing(self) -> types.ListToolsResult:
        return types.ListToolsResult(tools=self._tools, ttl_ms=LIST_TTL_MS, cache_scope="private")

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        if self._fixtures is not None and self._fixtures.has(params.name):
            return await self._fixtures.call(ctx, params)
        request = ctx.request
        assert isinstance(request, Request)
        principal: Principal = request.scope["ascend.principal"]
        meta = (ctx.params or {}).get("_meta") or {}
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            client = of_meta(meta, ctx.protocol_version)
        else:
            client = of_session_id(request.headers.get("mcp-session-id"), ctx.protocol_version)
        answer = await self._calls.call(
            principal,
            params.name,
            params.arguments or {},
            client,
            carrier=carrier_of(meta, request.headers),
            progress=_progress_of(ctx),
            retried=params.input_responses is not None,
            state=params.request_state,
        )
        if answer.missing_scopes:
            base_url = self._callers.base_url_at(request.headers.get("host"))
            headers, body = self._step_up(principal, answer.missing_scopes, base_url)
            request.scope[REPLACEMENT] = (403, headers, body)
        return answer.to_result()


def _progress_of(ctx: Context) -> Progress:
    """Return what tells this client of progress; it reaches only a client that sent a `progressToken`."""

    async def progress(done: float, total: float | None, message: str | None) -> None:
        await ctx.session.report_progress(done, total, message)

    return progress


def _error_body(request_id: int | str, error: MCPError) -> bytes:
    return encoded({"jsonrpc": "2.0", "id": request_id, "error": error.error.model_dump(mode="json", exclude_none=True)})
