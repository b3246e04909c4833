"""Stores without a database, which the contract tests hold against the real ones."""
