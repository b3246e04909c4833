"""A result of tools/call that breaks MCP's rules, read as far as it goes: the tool has run, and what it said must not get lost."""

from collections.abc import Mapping
from typing import Any

import mcp_types
import orjson
from pydantic import TypeAdapter, ValidationError

from tools.json_text import encode
from tools.operation import Json
from tools.sources.mcp.exchange import messages

NOTE = "the answer breaks MCP's rules for results; it is read as far as it goes"
_BLOCK: TypeAdapter[Any] = TypeAdapter(mcp_types.ContentBlock)
_MEMBERS = frozenset({"content", "structuredContent", "isError", "_meta", "resultType"})


def loose_result(last: bytes) -> mcp_types.CallToolResult | None:
    """Return the result in what came last over the wire, or None where there is none.

    Content may be a text, one block or of kinds that nobody knows; structured content may be any JSON; flags may be words.
    """
    for text in reversed(messages(last)):
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(message, dict) and isinstance(result := message.get("result"), dict):
            return _read(result)
    return None


def _read(result: Mapping[str, Json]) -> mcp_types.CallToolResult:
    content, structured = result.get("content"), result.get("structuredContent")
    if "content" not in result and structured is None:
        # Of 2024-10-07, and of servers that know no content: the result itself.
        others = {name: value for name, value in result.items() if name not in _MEMBERS}
        structured = others.get("toolResult", others) if others else None
    blocks = content if isinstance(content, list) else [] if content is None else [content]
    return mcp_types.CallToolResult.model_construct(
        content=[_block(each) for each in blocks],
        structured_content=structured,
        is_error=str(result.get("isError")).lower() in ("true", "1"),
    )


def _block(block: Json) -> Any:
    try:
        return _BLOCK.validate_python(block)
    except ValidationError:
        return mcp_types.TextContent(text=block if isinstance(block, str) else encode(block).decode())
