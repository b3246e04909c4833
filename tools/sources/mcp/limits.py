"""What an MCP server may list: limits that no honest server reaches."""

MAX_PAGES = 1_000
MAX_TOOLS = 10_000
MAX_LISTED_BYTES = 32 << 20
#: a definition beyond this is listed without its words: it cannot be imported, and need not be held
MAX_DEFINITION_BYTES = 256 * 1024
TOO_LARGE = "its definition is larger than 256 KiB"
