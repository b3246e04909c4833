"""The same dialect on both sides: bytes pass, and are only looked into."""
