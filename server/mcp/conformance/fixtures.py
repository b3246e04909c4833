"""What the MCP conformance suite needs of a server besides our three tools. Never on by default.

The suite calls its fixture tools by name; none of them is listed. With the fixtures on, 2025-11-25 is served with in-process
MCP sessions, because the suite's sampling and elicitation scenarios have the server ask the client.
"""

from typing import Any, ClassVar

import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged

from server.mcp.conformance.prompts import complete, get_prompt, list_prompts
from server.mcp.conformance.resources import list_resources, list_templates, read_resource
from server.mcp.conformance.rounds import ROUNDS
from server.mcp.conformance.tools import TOOLS, text
from server.mcp.extras import CallTool, Context

#: a tool with an annotated header, for the suite's `Mcp-Param-*` scenario
HEADER_TOOL = "test_x_mcp_header"
HEADER_SCHEMA: dict[str, Any] = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


class ConformanceFixtures:
    """The suite's fixture tools, callable by name, and the handlers for what our own server does not offer."""

    has_sessions = True
    schema_by_name: ClassVar[dict[str, dict[str, Any]]] = {HEADER_TOOL: HEADER_SCHEMA}

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()
        self.tools: dict[str, CallTool] = {
            **TOOLS,
            **ROUNDS,
            HEADER_TOOL: self._header_tool,
            "test_trigger_tool_change": self._change_tools,
            "test_trigger_prompt_change": self._change_prompts,
        }

    def install(self, server: Server[Any]) -> None:
        """Register the handlers on `server`, and seal the request state of its multi-round tools."""
        security = RequestStateSecurity.ephemeral()
        server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
        server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
        server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
        server.add_request_handler("completion/complete", types.CompleteRequestParams, complete)
        server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
        server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
        server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)
        server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, _acknowledge)
        server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, _acknowledge)
        server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _acknowledge)
        server.add_request_handler("subscriptions/listen", types.SubscriptionsListenRequestParams, ListenHandler(self._bus))

    async def _header_tool(self, ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        return text(f"region {(params.arguments or {}).get('region')}")

    async def _change_tools(self, ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        await self._bus.publish(ToolsListChanged())
        return text("tool list change announced")

    async def _change_prompts(self, ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        await self._bus.publish(PromptsListChanged())
        return text("prompt list change announced")


async def _acknowledge(ctx: Context, params: object) -> types.EmptyResult:
    return types.EmptyResult()
