"""Taking things away for good: from tables, indexes and caches, with all that follows from them."""
