"""Sixteen ways for a provider to fail, played to a route of the same shape as a real one (facts: the public failover scenarios)."""
