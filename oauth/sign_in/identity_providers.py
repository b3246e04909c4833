"""An identity provider: an external OpenID Connect provider that signs subjects of one tenant in."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from oauth.sign_in.errors import InvalidInput

#: asymmetric only: with a shared secret, whoever checks a token could have made it
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
EVERYBODY = "*"
UNVERIFIED = "unverified:"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")

MAX_ADMIN_ACR = 10
_ACR = re.compile(r"[\x21-\x7e]{1,200}")

ClientAuth = Literal["basic", "post", "none"]


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """`slug` is a segment of its own redirect path, so that no provider can answer for another (RFC 9700 §4.4).

    `allowed_algorithms` comes from configuration and never from a token's header (RFC 8725 §3.1). The client secret, if
    `client_auth` needs one, is in the vault.
    """

    tenant_id: str
    slug: str
    title: str
    issuer: str
    client_id: str
    client_auth: ClientAuth = "basic"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    allowed_algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    #: who gets a subject at the first sign-in: people with a verified e-mail at one of these domains; `*`: everybody
    #: whom the provider signs in; `unverified:` before a domain: also where the provider does not say whether an e-mail is
    #: verified; empty: nobody who is not linked already
    admitted_domains: tuple[str, ...] = ()
    enabled: bool = True
    #: what `acr`, or a member of `amr`, has to say for somebody to come into the console (Core §2); empty: nobody does by this provider
    admin_acr: tuple[str, ...] = ()


def checked(provider: IdentityProvider) -> IdentityProvider:
    """Return `provider` if its settings can work. Raises InvalidInput."""
    # A segment of the redirect path: no slash, no dot, nothing that a router or a provider would decode.
    if not _SLUG.fullmatch(provider.slug):
        raise InvalidInput(f"slug: {provider.slug[:40]!r} is not lower-case letters, digits and inner hyphens, 32 at most")
    # Discovery §3: https, no query, no fragment.
    if not is_safe_address(provider.issuer, may_be_loopback=True) or urlsplit(provider.issuer).query:
        raise InvalidInput(f"issuer: {provider.issuer[:200]!r} is not an https address; give the provider's issuer, byte for byte")
    if not provider.client_id:
        raise InvalidInput("client_id: is empty; register this gateway at the provider and give the id it got")
    # Core §3.1.2.1: without it the answer is plain OAuth, which says nothing of who is there.
    if "openid" not in provider.scopes:
        raise InvalidInput("scopes: 'openid' is missing; without it the provider gives no ID token")
    # RFC 8725 §3.1: the list is what keeps a token from choosing.
    if not provider.allowed_algorithms or (unknown := sorted(set(provider.allowed_algorithms) - set(ALGORITHMS))):
        named = unknown[0] if provider.allowed_algorithms else ""
        raise InvalidInput(f"allowed_algorithms: {named!r} is not one of {', '.join(ALGORITHMS)}")
    # Core §3.1.2.1: acr_values are parted by spaces.
    if len(provider.admin_acr) > MAX_ADMIN_ACR or not all(_ACR.fullmatch(value) for value in provider.admin_acr):
        raise InvalidInput(
            f"admin_acr: up to {MAX_ADMIN_ACR} values of printable ASCII without spaces, as the provider writes them in acr or amr"
        )
    return provider


def is_safe_address(url: str, *, may_be_loopback: bool) -> bool:
    """Say whether `url` is https without user, password or fragment; http only to this machine, and only if that is allowed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = not (parts.username or parts.password or parts.fragment or parts.port == 0)
    except ValueError:
        return False
    # RFC 3986 §7.6: user information and look-alike letters make a host seem to be another.
    if not host or not plain or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and may_be_loopback and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Say whether `host` names this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
