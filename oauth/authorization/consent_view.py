"""What the consent page shows: who asks, where the answer goes, and each scope in words."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from oauth.clients.client import Client
from oauth.clients.redirect_uris import destination, redirect_host
from oauth.scopes import OFFLINE


@dataclass(frozen=True, slots=True)
class ScopeWords:
    """A scope as a person reads it."""

    scope: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class ConsentView:
    """Everything the consent page shows; all of it is text from outside, so the page escapes it.

    `client_host` is the host of a client metadata document ("" for other clients), `redirect_host` where the answer goes
    (the scheme for an app's own scheme), always shown large. `verified` is only true for pre-registered clients.
    `left_out` is what the person left out the last time; `is_connected`: the client holds something that they gave it.
    """

    client_name: str
    client_host: str
    redirect_host: str
    verified: bool
    warnings: tuple[str, ...]
    tenant_title: str
    email: str
    scopes: tuple[ScopeWords, ...]
    remembered: bool
    left_out: frozenset[str] = frozenset()
    is_connected: bool = False


_WORDS = {
    "mcp": ("Connect", "Connect to this gateway and look for operations. Needed for everything else."),
    "mcp:read": ("Read everywhere", "Run operations that only read, at every provider that you can use here."),
    "mcp:write": ("Create and change everywhere", "Run operations that create or change things, at every provider that you can use here."),
    "mcp:destructive": ("Delete everywhere", "Run operations that delete or cannot be undone, at every provider that you can use here."),
    OFFLINE: ("Stay connected", "Keep access while you are away, until you or an administrator end it."),
}
_TIER_WORDS = {
    "read": ("Read in {}", "Run the operations of {} that only read."),
    "write": ("Create and change in {}", "Run the operations of {} that create or change things."),
    "destructive": ("Delete in {}", "Run the operations of {} that delete or cannot be undone."),
}


def scope_words(provider_title: Callable[[str, str], str]) -> Callable[[str, str], ScopeWords]:
    """Return the wording of scopes; `provider_title(tenant_id, provider)` names a provider as people know it."""

    def words(tenant_id: str, scope: str) -> ScopeWords:
        if scope in _WORDS:
            return ScopeWords(scope, *_WORDS[scope])
        provider, _, tier = scope.rpartition(":")
        if tier not in _TIER_WORDS:
            return ScopeWords(scope, scope, "Use what this scope allows.")
        title, description = _TIER_WORDS[tier]
        name = provider_title(tenant_id, provider)
        return ScopeWords(scope, title.format(name), description.format(name))

    return words


def consent_view(
    client: Client,
    redirect_uri: str,
    tenant_title: str,
    email: str,
    scopes: tuple[ScopeWords, ...],
    remembered: bool,
    *,
    for_device: bool = False,
    left_out: frozenset[str] = frozenset(),
    is_connected: bool = False,
) -> ConsentView:
    """Return the view of one request; `for_device`: the answer goes to the device whose code the person typed."""
    # CIMD draft: the host of the client_id is all that is proven of such a client, so it is always shown.
    client_host = urlsplit(client.client_id).netloc if client.kind == "document" else ""
    host = "the device that showed you the code" if for_device else redirect_host(redirect_uri)
    return ConsentView(
        client_name=client.name,
        client_host=client_host,
        redirect_host=host,
        verified=client.is_verified,
        warnings=_warnings(client, redirect_uri, client_host, host, for_device),
        tenant_title=tenant_title,
        email=email,
        scopes=scopes,
        remembered=remembered,
        left_out=left_out,
        is_connected=is_connected,
    )


def _warnings(client: Client, redirect_uri: str, client_host: str, host: str, for_device: bool) -> tuple[str, ...]:
    warnings = []
    # RFC 7591 §5: a registered name is a claim; look-alikes of known applications register too.
    if not client.is_verified:
        warnings.append("Nobody has verified this application; the name is its own claim.")
    # RFC 8628 §5.4 (remote phishing): the device may stand in an attacker's room.
    if for_device:
        warnings.append("You give access to a device. Continue only if it is yours and you started this just now.")
        return tuple(warnings)
    match destination(redirect_uri):
        # RFC 8252 §8.6, MCP authorization (localhost redirects): any local program can claim the port and the client_id.
        case "loopback":
            warnings.append(
                "Any program on this computer can receive the answer. Continue only if you started this sign-in yourself, just now."
            )
        # RFC 8252 §8.1, §7.1: another app may have registered the same scheme.
        case "app":
            warnings.append(
                f"The answer opens the app on this device that handles {host} links. Continue only if you started this sign-in there."
            )
        case "web":
            # The document's owner vouches for the address, but the person should see that it is another.
            if client_host and client_host != host:
                warnings.append(f"The application describes itself at {client_host}, but the answer goes to {host}.")
    return tuple(warnings)
