"""Bodies of model calls that are too heavy for this process: a child reads and writes them (decision 0027)."""
