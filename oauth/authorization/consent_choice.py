"""What a person chose of the scopes that a client asked for, and what of an earlier choice still stands (RFC 6749 §3.3)."""

from collections.abc import Iterable
from dataclasses import dataclass

from oauth.scopes import CONNECT, permits, umbrella_of
from oauth.tokens.grant_records import RememberedConsent


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for, in two parts."""

    given: frozenset[str]
    left_out: frozenset[str]


def choose(asked: frozenset[str], ticked: frozenset[str] | None) -> Choice:
    """Return what `ticked` says of `asked`; None: everything. What is ticked and was not asked for counts for nothing.

    To connect is never left out. A scope that the page tells with its umbrella is ticked by the umbrella.
    """
    if ticked is None:
        return Choice(asked, frozenset())
    # RFC 6749 §3.3: the person may give less than was asked for, and nobody may give more.
    counted = ticked & asked
    given = frozenset(scope for scope in asked if scope == CONNECT or permits(counted, scope))
    return Choice(given, asked - given)


def left_out_before(asked: Iterable[str], known: RememberedConsent | None) -> frozenset[str]:
    """Return the scopes of `asked` that the person left out the last time and has not given since."""
    if known is None:
        return frozenset()
    return frozenset(scope for scope in asked if permits(known.left_out, scope) and not permits(known.scopes, scope))


def after(known: RememberedConsent | None, choice: Choice) -> Choice:
    """Return what to remember: the latest word on each scope. An umbrella does not outlive that a scope under it was left out."""
    if known is None:
        return choice
    # Without this an umbrella of last year would let through silently what was left out today (RFC 6749 §10.2).
    withdrawn = choice.left_out | {umbrella_of(scope) for scope in choice.left_out}
    left_out = frozenset(scope for scope in known.left_out if not permits(choice.given, scope))
    return Choice(choice.given | (known.scopes - withdrawn), choice.left_out | left_out)
