"""A Redis of the tests, and nodes on it."""
