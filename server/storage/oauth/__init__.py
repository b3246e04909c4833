"""The stores of `oauth`: clients, grants, people, connections, secrets."""
