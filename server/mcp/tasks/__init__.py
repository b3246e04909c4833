"""Calls that outlast their request, as MCP's extension `io.modelcontextprotocol/tasks` has them (revision 2026-07-28)."""
