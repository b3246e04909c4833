"""How the parts of the gateway are put together."""
