"""Every tool that an upstream lists, page by page, within limits that no honest server reaches."""

from mcp.client.client import Client

from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.providers.mcp_definitions import UpstreamTool, definition_of
from tools.turns import in_turns

MAX_PAGES = 1_000
MAX_TOOLS = 10_000
MAX_LISTED_BYTES = 32 << 20
#: a definition beyond this is listed without its words: it cannot be imported, and need not be held
MAX_DEFINITION_BYTES = 256 * 1024


async def list_tools(client: Client, provider: str) -> dict[str, UpstreamTool]:
    """Return the definitions by name; of two tools with one name the first. Raises UpstreamFailed beyond a limit, MCPError."""
    found: dict[str, UpstreamTool] = {}
    cursor: str | None = None
    cursors: set[str] = set()
    listed_bytes = 0
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        async for tool in in_turns(page.tools):
            try:
                definition = definition_of(tool)
            except TypeError:
                continue  # A number that JSON has and no column holds: such a tool could not be pinned.
            if definition.size_bytes > MAX_DEFINITION_BYTES:
                definition = UpstreamTool(definition.name[:400], "", TOO_LARGE, {}, None)
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


TOO_LARGE = "its definition is larger than 256 KiB"


def _beyond(provider: str, what: str) -> Failure:
    return Failure("upstream_malformed", f"the MCP server of '{provider}' lists {what}")
