"""What the history promises: calls, sums, rows on their way to sinks."""
