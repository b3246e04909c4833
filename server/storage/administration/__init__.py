"""Roles, invites and sessions of the administration, kept."""
