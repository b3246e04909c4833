"""Refusals: what a provider's means, and how the caller is told in the caller's dialect."""
