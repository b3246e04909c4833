"""Runs in SQL: whose turn it is, what each step left, and what people do to them."""
