"""Errors of the vault.

KeyUnavailable   no key-encryption key, or not the one of this store: the process ends
StaleKey         a data key was rotated away meanwhile: read again, and once more
"""


class KeyUnavailable(Exception):
    """The key-encryption key is missing, malformed, or readable by others; the message names the way out."""


class StaleKey(Exception):
    """The data key was rotated away since it was read: read the keys again and seal once more."""
