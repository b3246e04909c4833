"""Scopes as a person reads them: in order of weight, and what an umbrella covers told once."""

from collections.abc import Sequence
from dataclasses import dataclass

from oauth.authorization.consent_view import ScopeWords
from oauth.scopes import CONNECT, OFFLINE, UMBRELLAS, umbrella_of

_WEIGHT = {CONNECT: 0, **{umbrella: 1 + place for place, umbrella in enumerate(UMBRELLAS)}, OFFLINE: 9}


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One line of the list. `among` names the providers of further scopes that this one covers."""

    title: str
    description: str
    among: tuple[str, ...] = ()
    scope: str = ""
    #: the person left it out the last time
    was_left_out: bool = False

    @property
    def is_fixed(self) -> bool:
        """Nothing works without it, so it cannot be left out."""
        return self.scope == CONNECT

    @property
    def is_destructive(self) -> bool:
        return self.scope.endswith(":destructive")


def scope_lines(scopes: Sequence[ScopeWords], left_out: frozenset[str] = frozenset()) -> tuple[ScopeLine, ...]:
    """Return the lines for `scopes`: an umbrella with the provider scopes of its tier, everything else by itself."""
    asked = {each.scope for each in scopes}
    lines = []
    for each in sorted(scopes, key=lambda words: (_WEIGHT.get(words.scope, 5), words.scope)):
        if each.scope not in UMBRELLAS and each.scope not in (CONNECT, OFFLINE) and umbrella_of(each.scope) in asked:
            continue
        covered = sorted(other.rpartition(":")[0] for other in asked - {each.scope} if umbrella_of(other) == each.scope)
        among = tuple(covered) if each.scope in UMBRELLAS else ()
        lines.append(ScopeLine(each.title, each.description, among, each.scope, each.scope in left_out))
    return tuple(lines)
