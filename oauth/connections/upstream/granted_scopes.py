"""Which scopes a provider granted, read from an answer that writes them in its own way.

RFC 6749 §3.3 separates scopes by blanks. Providers answer with commas though they were asked with blanks, with arrays, with
another case, or with the address of the resource in front (https://graph.microsoft.com/Mail.Read for Mail.Read). What was asked
for is known, so an answer is read as what fits that.
"""

import re
from collections.abc import Iterable
from typing import Any

from oauth.connections.connection import Connection

#: scopes that say who somebody is, which the account itself shows; providers answer with other names for them, or with none
_IDENTITY = frozenset({"openid", "email", "profile", "address", "phone"})
#: scopes that bring a refresh token, which is the better witness; several providers never repeat them
_LASTING = frozenset({"offline_access", "offline", "refresh_token"})
_SEPARATORS = re.compile(r"[,;+|]")


def granted_scopes(said: Any, separator: str, asked: frozenset[str]) -> frozenset[str] | None:
    """Return what `said` grants, in the writing of `asked` where it means the same; None where it says nothing.

    An empty `scope` says nothing either: RFC 6749 §3.3 knows none, and several providers always send one.
    """
    if isinstance(said, str):
        words = _words([said], separator)
    elif isinstance(said, list) and all(isinstance(each, str) for each in said):
        words = _words(said, separator)
    else:
        return None
    wanted = {_plain(scope): scope for scope in sorted(asked)}
    found: set[str] = set()
    for word in words:
        # A comma may be part of a scope (RFC 6749 §A.4); it is one where that scope was asked for.
        parts = [word] if _meant(word, asked, wanted) else [part for part in _SEPARATORS.split(word) if part]
        found |= {_meant(part, asked, wanted) or part for part in parts}
    if not found:
        return None
    # Entra ID answers what this stood for: everything that the application was given (https://graph.microsoft.com/.default).
    return frozenset(found | {scope for scope in asked if scope.endswith("/.default")})


def withheld_scopes(connection: Connection, asked: Iterable[str]) -> tuple[str, ...]:
    """Return what was asked for and is not among the scopes of `connection`, sorted; () where nobody knows its scopes."""
    if connection.scopes is None:
        return ()
    missing = set(asked) - connection.scopes - _IDENTITY
    lasts = connection.expires_at is None or connection.refresh_due_at is not None
    return tuple(sorted(missing - _LASTING if lasts else missing))


def _words(texts: Iterable[str], separator: str) -> list[str]:
    return [word for text in texts for word in text.replace(separator, " ").split()]


def _meant(word: str, asked: frozenset[str], wanted: dict[str, str]) -> str | None:
    return word if word in asked else wanted.get(_plain(word))


def _plain(scope: str) -> str:
    """Return a scope without case, and without the address of the resource in front of it."""
    return (scope.rpartition("/")[2] or scope).casefold() if scope.lower().startswith(("https://", "api://")) else scope.casefold()
