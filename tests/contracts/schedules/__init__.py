"""Tests of schedules and what became of their slots."""
