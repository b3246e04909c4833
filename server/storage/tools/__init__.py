"""The stores of `tools`: operations, call records, results, what waits for review."""
