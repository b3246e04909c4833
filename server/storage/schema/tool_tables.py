"""Tables of tools."""
