"""Fixture tools of the conformance suite: content kinds, logging, progress, and questions to a 2025-11-25 client."""

from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import LOG_LEVEL_META_KEY, MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server.mcp.answers import encoded
from server.mcp.extras import CallTool, Context

#: one red pixel, and one sample of silence
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
PAUSE_S = 0.05
IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}


def text(words: str, *, is_error: bool = False) -> dict[str, Any]:
    """Return a tool result of one text."""
    return contents({"type": "text", "text": words}) | {"isError": is_error}


def contents(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool result of these content blocks."""
    return {"content": list(blocks), "resultType": "complete"}


def resource(uri: str, mime_type: str, words: str) -> dict[str, Any]:
    """Return an embedded text resource."""
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": words}}


def fixed(result: dict[str, Any]) -> CallTool:
    """Return a tool that always answers `result`."""

    async def tool(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        return result

    return tool


async def _with_logging(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await _log(ctx, words)
        await anyio.sleep(PAUSE_S)
    return text("three log messages were sent")


async def _log(ctx: Context, words: str) -> None:
    # 2026-07-28: no log message for a request that did not ask for them.
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and LOG_LEVEL_META_KEY not in (ctx.meta or {}):
        return
    params = types.LoggingMessageNotificationParams(level="info", data=words)
    await ctx.session.send_notification(types.LoggingMessageNotification(params=params), related_request_id=ctx.request_id)


async def _with_progress(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100, f"{done} of 100")
        await anyio.sleep(PAUSE_S)
    return text("progress was reported")


async def _sampling(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    prompt = str((params.arguments or {}).get("prompt", ""))
    message = types.SamplingMessage(role="user", content=types.TextContent(text=prompt))
    request = types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=100))
    related = ServerMessageMetadata(related_request_id=ctx.request_id)
    answer = await ctx.session.send_request(request, types.CreateMessageResult, metadata=related)
    return text(f"LLM response: {answer.content.text if isinstance(answer.content, types.TextContent) else ''}")


async def _ask(ctx: Context, message: str, schema: dict[str, Any], words: str) -> HandlerResult:
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    related = ServerMessageMetadata(related_request_id=ctx.request_id)
    answer = await ctx.session.send_request(types.ElicitRequest(params=params), types.ElicitResult, metadata=related)
    return text(f"{words}: action={answer.action}, content={encoded(answer.content or {}).decode()}")


async def _elicitation(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    fields = {name: {"type": "string", "description": f"the person's {name}"} for name in ("username", "email")}
    schema = {"type": "object", "properties": fields, "required": ["username", "email"]}
    return await _ask(ctx, str((params.arguments or {}).get("message", "")), schema, "User response")


async def _defaults(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await _ask(ctx, "check these values", {"type": "object", "properties": fields}, "Elicitation completed")


async def _enums(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    options = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second", "Third"), 1)]
    legacy = {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    fields = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": legacy,
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await _ask(ctx, "choose", {"type": "object", "properties": fields}, "Elicitation completed")


async def _missing_capability(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "this tool needs the client capability 'sampling'", needed)
    return text("the client can sample")


TOOLS: dict[str, CallTool] = {
    "test_simple_text": fixed(text("This is a simple text response for testing.")),
    "test_image_content": fixed(contents(IMAGE)),
    "test_audio_content": fixed(contents({"type": "audio", "data": WAV, "mimeType": "audio/wav"})),
    "test_embedded_resource": fixed(contents(resource("test://embedded-resource", "text/plain", "This is an embedded resource content."))),
    "test_multiple_content_types": fixed(
        contents(
            {"type": "text", "text": "Multiple content types test:"},
            IMAGE,
            resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
        )
    ),
    "test_error_handling": fixed(text("This tool intentionally returns an error for testing", is_error=True)),
    "test_tool_with_logging": _with_logging,
    "test_logging_tool": _with_logging,
    "test_tool_with_progress": _with_progress,
    "test_sampling": _sampling,
    "test_elicitation": _elicitation,
    "test_elicitation_sep1034_defaults": _defaults,
    "test_elicitation_sep1330_enums": _enums,
    "test_missing_capability": _missing_capability,
}
