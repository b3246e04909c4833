"""Other MCP servers: their tools as operations."""
