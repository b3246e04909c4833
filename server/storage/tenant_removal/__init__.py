"""A tenant and all it owns, taken away in short steps."""
