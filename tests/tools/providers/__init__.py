"""Tests of the providers: OpenAPI documents and upstream MCP servers."""
