"""Alembic history of the history's schema."""
