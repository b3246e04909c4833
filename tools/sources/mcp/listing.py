"""Every tool that an upstream lists, page by page."""

from collections.abc import Iterator

import mcp_types
from mcp.client.client import Client

from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.sources.mcp.definitions import UpstreamTool, definition_from, definition_of
from tools.sources.mcp.limits import MAX_DEFINITION_BYTES, MAX_LISTED_BYTES, MAX_PAGES, MAX_TOOLS, TOO_LARGE
from tools.sources.mcp.messages.large_messages import ASIDE, Aside, definition_in
from tools.turns import in_turns


async def list_tools(client: Client, provider: str, version: str) -> dict[str, UpstreamTool]:
    """Return the definitions by name; of two tools with one name the first. Raises UpstreamFailed beyond a limit, MCPError."""
    found: dict[str, UpstreamTool] = {}
    cursor: str | None = None
    cursors: set[str] = set()
    listed_bytes = 0
    for _ in range(MAX_PAGES):
        aside = Aside(version=version)
        mark = ASIDE.set(aside)
        try:
            page = await client.list_tools(cursor=cursor)
        finally:
            ASIDE.reset(mark)
        async for definition in in_turns(_definitions(page.tools, aside)):
            if definition.name not in found:
                listed_bytes += definition.size_bytes
                found[definition.name] = definition
        if len(found) > MAX_TOOLS or listed_bytes > MAX_LISTED_BYTES:
            raise UpstreamFailed(_beyond(provider, f"more than {MAX_TOOLS} tools, or {MAX_LISTED_BYTES >> 20} MiB of them"))
        cursor = page.next_cursor
        if not cursor:
            return found
        if cursor in cursors:
            raise UpstreamFailed(_beyond(provider, "the same page of its list again and again"))
        cursors.add(cursor)
    raise UpstreamFailed(_beyond(provider, f"more than {MAX_PAGES} pages of tools"))


def _definitions(tools: list[mcp_types.Tool], aside: Aside) -> Iterator[UpstreamTool]:
    """Yield the definitions of a page, one at a time: of a heavy page those that a child found in it."""
    for text in aside.tools:
        yield definition_from(definition_in(text))
    for tool in () if aside.tools else tools:
        try:
            definition = definition_of(tool)
        except TypeError:
            continue  # A number that JSON has and no column holds: such a tool could not be pinned.
        if definition.size_bytes > MAX_DEFINITION_BYTES:
            definition = UpstreamTool(definition.name[:400], "", TOO_LARGE, {}, None)
        yield definition


def _beyond(provider: str, what: str) -> Failure:
    return Failure("upstream_malformed", f"the MCP server of '{provider}' lists {what}")
