"""Which addresses may be called from here: public unicast ones, and what the operator named."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from tools.errors import EgressRefused
from tools.operation import Failure

#: Addresses that carry an IPv4 address inside: NAT64 (RFC 6052, 8215), 6to4, Teredo. A private one could hide in any.
_TRANSITION = tuple(IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
#: One to four decimal, octal or hexadecimal numbers: every spelling that some resolver takes for an IPv4 address.
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}", re.IGNORECASE)
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local", ".localdomain", ".home.arpa")
#: Services that speak something else than HTTP and may be confused by it.
_OTHER_SERVICES = frozenset(
    {1, 7, 9, 11, 13, 19, 20, 21, 22, 23, 25, 53, 69, 110, 119, 123, 135, 139, 143, 161, 389, 445, 465}
) | frozenset({514, 587, 636, 873, 993, 995, 1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5672, 5900, 6379, 6667, 9042, 11211, 27017})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `allowed`: the operator named this host and port, so private addresses pass."""

    scheme: str
    host: str
    port: int
    allowed: bool


class AddressRules:
    """Decides by URL before a name is resolved, and by address before a connection is made."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """`allow`: `host:port` entries, port may be `*`; an IPv6 host stands in brackets."""
        self._allow = frozenset(entry.strip().lower() for entry in allow if entry.strip())

    def target(self, url: str) -> Target:
        """Return where `url` leads. Raises EgressRefused for what is refused before any look-up."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise refused(url, "is not a URL") from error
        if parts.scheme not in ("http", "https") or not host:
            raise refused(url, "is not an http or https URL with a host")
        if parts.username is not None or parts.password is not None:
            raise refused(url, "carries a user name; credentials belong into a connection")
        port = port or (443 if parts.scheme == "https" else 80)
        allowed = self.is_allowed(host, port)
        if not allowed:
            self._refuse_by_name(url, host, port)
        return Target(parts.scheme, host, port, allowed)

    def is_allowed(self, host: str, port: int) -> bool:
        """Say whether the operator named this host and port."""
        name = f"[{host}]" if ":" in host else host
        return f"{name}:{port}" in self._allow or f"{name}:*" in self._allow

    @staticmethod
    def _refuse_by_name(url: str, host: str, port: int) -> None:
        if port in _OTHER_SERVICES:
            raise refused(url, f"goes to port {port}, which belongs to another kind of service")
        if host == "localhost" or host.endswith((".", *_LOCAL_SUFFIXES)) or not host.isascii():
            raise refused(url, "names a host of the local network")
        try:
            address = ip_address(host)
        except ValueError:
            if _NUMERIC_HOST.fullmatch(host):
                raise refused(url, "spells an address in an unusual way") from None
            return
        if not is_public(address):
            raise refused(url, "is not a public address")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether `address` is global unicast, with no other address inside (RFC 6890 registries)."""
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or any(address in network for network in _TRANSITION)):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def refused(url: str, why: str) -> EgressRefused:
    """Return the refusal of `url`, which is named without its query: that may hold secrets."""
    shown = url.split("?", 1)[0].split("#", 1)[0]
    if "@" in shown:
        shown = "the address"
    hint = "if this host is yours, an operator allows it with ASCEND_EGRESS_ALLOW=host:port"
    return EgressRefused(Failure("egress_refused", f"{shown[:200]} may not be called: it {why}", hint=hint))
