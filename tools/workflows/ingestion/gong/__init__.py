"""gong-ingest: calls become episodes, who took part becomes facts, what was said passages."""
