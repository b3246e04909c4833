"""Durable work in SQL: runs and their steps, who has them in hand, and what a step writes together with its record."""
