"""Clients of many makers at a real gateway."""
