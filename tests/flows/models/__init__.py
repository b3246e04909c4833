"""Guides to the AI gateway, followed: real commands, a real gateway, providers that are stand-ins."""
