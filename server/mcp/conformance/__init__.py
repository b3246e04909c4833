"""Fixtures that the MCP conformance suite asks for."""
