"""Tokens after they were granted: kept as hashes, looked up, introspected, revoked."""
