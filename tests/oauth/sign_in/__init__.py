"""Signing a subject in."""
