"""What the MCP conformance suite needs of a server besides our three tools. Never on by default.

The suite calls its fixture tools by name; none of them is listed. With the fixtures on, 2025-11-25 is served with in-process
MCP sessions, because the suite's sampling and elicitation scenarios have the server ask the client.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar

import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged

from server.mcp.conformance.long_tools import long_tools
from server.mcp.conformance.prompts import complete, get_prompt, list_prompts
from server.mcp.conformance.resources import list_resources, list_templates, read_resource
from server.mcp.conformance.rounds import ROUNDS
from server.mcp.conformance.tools import TOOLS, text
from server.mcp.extras import CallTool, Context
from server.mcp.tasks.calls import CallTasks
from tools.always_on import CALL_API

#: a tool with an annotated header, for the suite's `Mcp-Param-*` scenario
HEADER_TOOL = "test_x_mcp_header"
HEADER_SCHEMA: dict[str, Any] = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}

#: the keywords of JSON Schema 2020-12 that a list has to keep
SCHEMA_TOOL = "json_schema_2020_12_tool"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class ConformanceFixtures:
    """The suite's fixture tools, callable by name, and the handlers for what our own server does not offer."""

    has_sessions = True
    schema_by_name: ClassVar[dict[str, dict[str, Any]]] = {HEADER_TOOL: HEADER_SCHEMA}

    def __init__(self, *, lists_all: bool = False) -> None:
        """`lists_all`: a fourth tool is listed, whose schema the suite looks for."""
        self._lists_all = lists_all
        self._bus = InMemorySubscriptionBus()
        self.tools: dict[str, CallTool] = {
            **TOOLS,
            **ROUNDS,
            HEADER_TOOL: self._header_tool,
            "test_trigger_tool_change": self._change_tools,
            "test_trigger_prompt_change": self._change_prompts,
        }

    def listed(self, tools: Sequence[types.Tool]) -> list[types.Tool]:
        """Return the three tools, of which `call_api` asks for its operation in a header too: the suite needs one that does."""
        schema_of_all = types.Tool(name=SCHEMA_TOOL, description="conformance fixture of schema keywords", input_schema=SCHEMA)
        return [*(_with_header(tool) for tool in tools), *([schema_of_all] if self._lists_all else [])]

    def install(self, server: Server[Any], tasks: CallTasks | None) -> None:
        """Register the handlers on `server`, and seal the request state of its multi-round tools."""
        if tasks is not None:
            self.tools |= long_tools(tasks)
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


def _with_header(tool: types.Tool) -> types.Tool:
    if tool.name != CALL_API.name:
        return tool
    schema = deepcopy(tool.input_schema)
    schema["properties"]["api"]["x-mcp-header"] = "Api"
    return tool.model_copy(update={"input_schema": schema})


async def _acknowledge(ctx: Context, params: object) -> types.EmptyResult:
    return types.EmptyResult()
