"""Webhooks in SQL, and what came by them."""
