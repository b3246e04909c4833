"""Several nodes on one store."""
