"""The operations that the gateway brings along."""
