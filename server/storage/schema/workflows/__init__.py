"""Tables of durable work."""
