"""Schedules in SQL, and what became of their slots."""
