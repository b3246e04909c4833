"""The edge: what other servers answer behind the gateway's address, with checks, limits and a cache in front (docs/guides/edge.md)."""
