"""Which addresses may be called from here: public unicast ones, and what the operator named."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from yarl import URL

from tools.errors import EgressRefused, ImportFailed
from tools.operation import Failure
from tools.value_objects import value_object

#: All that is assigned to global unicast (RFC 4291 §2.4); older tables call some of the rest global.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
#: Inside it, what carries an IPv4 address (6to4, Teredo), or is not routed (documentation, RFC 9637).
_REFUSED_IPV6 = tuple(IPv6Network(text) for text in ("2002::/16", "2001::/32", "2001:db8::/32", "3fff::/20"))
#: IETF protocol assignments, of which older tables call a part global and one cloud serves its metadata; the 6to4 relay anycast
#: (RFC 7526); and the public-looking address at which another cloud serves its own.
_REFUSED_IPV4 = tuple(IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))
#: Interface identifiers of ISATAP (RFC 5214 §6.1): an IPv4 address follows.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
#: Text with bytes in it that a URL spells with percent signs: two parsers may read it in two ways.
_UNSAFE = re.compile(r"[\x00-\x20\\\x7f-\U0010ffff]")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))+")
#: A last label that is a decimal, octal or hexadecimal number: some resolver takes it for an IPv4 address (WHATWG URL §3.5).
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)")
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local", ".localdomain", ".lan", ".home.arpa", ".onion")
#: Services that speak something else than HTTP and may be confused by it.
_OTHER_SERVICES = frozenset(
    {1, 7, 9, 11, 13, 19, 20, 21, 22, 23, 25, 53, 69, 110, 119, 123, 135, 139, 143, 161, 389, 445, 465, 514, 587, 636, 873, 993, 995}
) | frozenset({1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5672, 5900, 6379, 6667, 9042, 11211, 27017})
#: RFC 8314 §3.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2, and what many providers offer where 25 is closed
_MAIL_PORTS = frozenset({465, 587, 25, 2525})
_MAX_REMEMBERED = 10_000
_PORT_BY_SCHEME = {"http": 80, "https": 443}


@value_object
class Target:
    """Where a request goes, as the one parser that also connects reads it. `text`: the URL as it was given."""

    text: str
    url: URL
    host: str
    port: int
    #: scheme, host, port
    origin: tuple[str, str, int]


class AddressRules:
    """Decides by URL before a name is looked up, and by address before a connection is made."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """`allow`: `host:port` entries, port may be `*`; an IPv6 host stands in brackets."""
        self._allow = frozenset(entry.strip().lower() for entry in allow if entry.strip())
        #: (host, port) -> why it may not be looked up, or None; what an operator allows never changes in a process
        self._refusals: dict[tuple[str, int], str | None] = {}

    def target(self, url: str) -> Target:
        """Return where `url` leads. Raises EgressRefused for what is refused before any look-up."""
        # RFC 3986 §2: with CR, LF, a blank or `\` two parsers see two hosts, or two requests.
        if _UNSAFE.search(url):
            raise refused(url, "has characters that a URL spells with percent signs")
        try:
            # One parser for check and connection: most SSRF is the difference between two.
            parsed = URL(url, encoded=True)
            host, port = (parsed.raw_host or "").lower(), parsed.explicit_port
        except ValueError as error:
            raise refused(url, "is not a URL") from error
        scheme = parsed.scheme
        default_port = _PORT_BY_SCHEME.get(scheme)
        # No file:, gopher:, ftp: (SSRF).
        if default_port is None or not host:
            raise refused(url, "is not an http or https URL with a host")
        # RFC 3986 §7.6: `https://good@evil` looks like good.
        if parsed.raw_user is not None or parsed.raw_password is not None or "@" in parsed.raw_authority:
            raise refused(url, "carries a user name; credentials belong into a connection")
        port = default_port if port is None else port
        if why := self._refusal(host, port):
            raise refused(url, why)
        return Target(url, parsed, host, port, (scheme, host, port))

    def _refusal(self, host: str, port: int) -> str | None:
        try:
            return self._refusals[host, port]
        except KeyError:
            # decision 0018: the verdict of a host is remembered; bounded, since callers name hosts.
            if len(self._refusals) >= _MAX_REMEMBERED:
                self._refusals.clear()
        why = None if self.is_allowed(host, port) else _refusal(host, port)
        self._refusals[host, port] = why
        return why

    def check_mail_server(self, host: str, port: int) -> None:
        """Judge a server that mail is handed to. Raises EgressRefused for what is refused before any look-up."""
        if self.is_allowed(host, port):
            return
        # Whoever names the server must not reach another kind of service by it.
        why = f"goes to port {port}, where no mail is taken" if port not in _MAIL_PORTS else _host_refusal(host)
        if why:
            raise refused(f"{host}:{port}", why)

    def is_allowed(self, host: str, port: int) -> bool:
        """Say whether the operator named this host and port."""
        if not self._allow:
            return False
        # RFC 3986 §3.2.2.
        name = f"[{host}]" if ":" in host else host
        return f"{name}:{port}" in self._allow or f"{name}:*" in self._allow


def _refusal(host: str, port: int) -> str | None:
    """Return why a host may not even be looked up, or None."""
    # A line of HTTP can be a command to mail, to a cache or to a database (Fetch, port blocking).
    if port in _OTHER_SERVICES or port == 0:
        return f"goes to port {port}, which belongs to another kind of service"
    return _host_refusal(host)


def _host_refusal(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        # WHATWG URL §3.5: 0x7f.1 and 2130706433 are 127.0.0.1 to some resolver, and a name to others.
        if _NUMERIC_HOST.fullmatch(host):
            return "spells an address in an unusual way"
        # RFC 6761 §6.3, RFC 6762 §3, RFC 8375 (home.arpa), RFC 7686 (onion): local by definition.
        if _HOST_NAME.fullmatch(host) is None or host.endswith(_LOCAL_SUFFIXES):
            return "names no host of the public network"
        return None
    return None if is_public(address) else "is not a public address"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether `address` is global unicast (IANA special-purpose registries, RFC 6890) with no IPv4 address inside."""
    if isinstance(address, IPv4Address):
        if any(address in network for network in _REFUSED_IPV4):
            return False
    elif (
        # So also no ::ffff:0:0/96 (RFC 4291 §2.5.5.2) and no 64:ff9b::/96 (RFC 6052 §2.1): an IPv4 address inside
        address not in _GLOBAL_IPV6
        # RFC 4007 §11: a zone is of this machine
        or address.scope_id is not None
        or any(address in network for network in _REFUSED_IPV6)
        or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    ):
        return False
    # RFC 6890 §2.2; carrier-grade NAT (RFC 6598) and link-local metadata services are in its tables.
    return address.is_global and not (address.is_multicast or address.is_reserved)


def refused(url: str, why: str) -> EgressRefused:
    """Return the refusal of `url`, which is named without its query: that may hold secrets."""
    # Keys and signatures travel in queries, and messages end in logs and answers.
    shown = url.split("?", 1)[0].split("#", 1)[0]
    named = f"'{shown[:200]}'" if "@" not in shown and shown.isprintable() else "the address"
    hint = "if this host is yours, an operator allows it with ASCEND_EGRESS_ALLOW=host:port"
    return EgressRefused(Failure("egress_refused", f"{named} may not be called: it {why}", hint=hint))


def authority_of(url: str) -> str:
    """Return the `host:port` of a URL, as the guarded way out is told of hosts that may be private ones. Raises ImportFailed."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ImportFailed(Failure("source_unavailable", f"{url} is not an address; give an http(s) URL")) from error
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
