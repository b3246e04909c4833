"""The MCP endpoint, in both protocol versions."""
