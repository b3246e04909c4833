"""Speak the protocols, store, wire, watch."""
