"""Tokens as they are made and read."""
