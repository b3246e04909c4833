"""Durable work in SQL: what waits for the engine, and what starts it."""
