"""Tables of connections."""
