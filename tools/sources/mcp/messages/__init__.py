"""Messages of an MCP server before they are read: how large they are, which parts they have, what is read elsewhere."""
