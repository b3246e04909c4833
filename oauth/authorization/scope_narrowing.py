"""The scopes of a grant: never more than was asked for, and never more than the subject may use."""

from collections.abc import Awaitable, Callable, Iterable

from oauth.errors import OAuthError
from oauth.scopes import CONNECT, OFFLINE, UMBRELLAS, permits, umbrella_of

#: tenant -> every provider scope of its catalogue
ProviderScopes = Callable[[str], frozenset[str]]
#: (tenant, subject) -> what the subject may use; empty where the subject is unknown or disabled
AllowedScopes = Callable[[str, str], Awaitable[frozenset[str]]]

STANDING = frozenset({CONNECT, OFFLINE, *UMBRELLAS})


def known(requested: Iterable[str], provider_scopes: frozenset[str], baseline: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested scopes that exist here, in order; the baseline where none is requested.

    Unknown scopes are dropped (RFC 6749 §3.3 lets us); a request that names only unknown ones is refused. `offline_access` is
    always fine: some clients add it to whatever they registered. Where it is the only known one it says how long, not what for,
    so the baseline goes with it. Raises OAuthError (invalid_scope).
    """
    asked = tuple(requested)
    # RFC 6749 §3.3: a default, and the least one; the alternative that the RFC names is to fail.
    if not asked:
        return baseline
    found = tuple(scope for scope in asked if scope in STANDING or scope in provider_scopes)
    # OpenID Connect Core §11 defines it; MCP clients send it alone.
    if found == (OFFLINE,):
        return tuple(dict.fromkeys((*baseline, OFFLINE)))
    if not found:
        raise OAuthError("invalid_scope", "none of the scopes is known here; see scopes_supported")
    return found


def narrow(asked: Iterable[str], allowed: frozenset[str]) -> frozenset[str]:
    """Return what both sides permit. An umbrella on one side meets the provider scopes of its tier on the other.

    For every operation's scope: the result permits it exactly when both `asked` and `allowed` do.
    """
    wanted = frozenset(asked)
    both = {scope for scope in wanted if scope in STANDING and scope in allowed}
    both |= {scope for scope in wanted - STANDING if permits(allowed, scope)}
    both |= {scope for scope in allowed - STANDING if permits(wanted, scope)}
    # `and allowed`: an unknown or disabled subject has an empty set, and must get nothing at all.
    if CONNECT in wanted and allowed:
        both.add(CONNECT)
    if OFFLINE in wanted and allowed:
        both.add(OFFLINE)
    # What an umbrella covers anyway is not said again, so that the consent page stays short.
    return frozenset(scope for scope in both if scope in wanted or umbrella_of(scope) not in both)
