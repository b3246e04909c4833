"""Who administers the gateway: roles, how far they reach, and the machines that may do it."""
