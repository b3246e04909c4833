"""Redirect URIs: which may be registered, and when a requested one is the registered one (RFC 9700 §4.1, RFC 8252 §7).

Everything works on the text as it was sent. No URL type parses it: each would change some of it.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import quote

from oauth.errors import RegistrationRefused

MAX_URI_LENGTH = 512
Destination = Literal["web", "loopback", "app"]

#: RFC 3986 characters without `#`: a fragment is never part of a redirect URI (RFC 6749 §3.1.2)
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
# WHATWG URL: browsers read `\` as `/`, so it may not stand in an authority: `https://good\@evil` goes to either.
_WEB = re.compile(r"(https?)://([^/?@\\]*)((?:[/?].*)?)")
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# RFC 8252 §7.3 names the addresses, §8.3 advises against `localhost`; installed clients use it all the same.
_LOOPBACK_HOST = re.compile(rf"localhost|127(?:\.{_OCTET}){{3}}|\[::1\]")
# RFC 8252 §7.1 asks for a reverse domain name; well-known clients have plain words, so only the shape is asked for.
_APP_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{3,}")
#: Schemes that run, read or send something instead of opening the app that asked.
# fmt: off
REFUSED_SCHEMES = frozenset({
    "javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "mailto",
    "tel", "sms", "callto", "ws", "wss", "ftp", "ftps", "sftp",
    "ssh", "telnet", "ldap", "ldaps", "gopher", "intent", "view-source", "content",
    "resource", "chrome", "chrome-extension", "moz-extension", "safari-extension", "edge", "jar", "feed",
    "news", "nntp", "irc", "magnet", "urn", "ms-settings", "ms-msdt", "search-ms",
    "shell", "facetime", "steam", "settings", "android-app", "ios-app", "itms-apps", "market",
})
# fmt: on


def destination(uri: str) -> Destination:
    """Say where a valid redirect URI leads: to a web server, to a port of the person's machine, or to an app that owns the scheme."""
    if uri.startswith("https://"):
        return "web"
    return "loopback" if uri.startswith("http://") else "app"


def redirect_host(uri: str) -> str:
    """Return what a person should know of where the answer goes: host and port, or an app's scheme."""
    match = _WEB.match(uri)
    return match[2] if match else uri.partition(":")[0] + ":"


def matches(registered: str, requested: str) -> bool:
    """Say whether `requested` is `registered`: the same text, or the same loopback address with another port (RFC 8252 §7.3)."""
    # RFC 9700 §4.1.3, RFC 3986 §6.2.1: simple string comparison; normalising is what attacks on patterns live on.
    if registered == requested:
        return True
    ours, theirs = _loopback_parts(registered), _loopback_parts(requested)
    # RFC 8252 §7.3: the port alone may differ, since the app takes a free one; host and path may not.
    return ours is not None and ours == theirs


def match_any(registered: Iterable[str], requested: str) -> bool:
    """Say whether `requested` is one of `registered`."""
    return len(requested) <= MAX_URI_LENGTH and any(matches(uri, requested) for uri in registered)


def check_registrable(uri: str, *, by_operator: bool = False) -> None:
    """Accept `uri` for registration or say why not. Raises RegistrationRefused (invalid_redirect_uri).

    `by_operator`: an operator vouches for the place, which may then be one of their own network, by https.
    """
    if len(uri) > MAX_URI_LENGTH:
        raise _refused(f"a redirect URI is longer than {MAX_URI_LENGTH} characters")
    # RFC 6749 §3.1.2: no fragment. No control character, blank or raw Unicode either: the value goes into Location (RFC 9110 §5.5).
    if not _ALLOWED.fullmatch(uri):
        raise _refused("a redirect URI holds a fragment or characters outside RFC 3986; percent-encode them, and write hosts in punycode")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        raise _refused("a redirect URI has no lower-case scheme")
    if scheme[1] in ("http", "https"):
        _check_web(uri, by_operator)
        return
    # RFC 9700 §4.1: `javascript:` would run the code in the page that we redirect from.
    if scheme[1] in REFUSED_SCHEMES or not _APP_SCHEME.fullmatch(scheme[1]):
        raise _refused(
            f"the scheme of a redirect URI may not be used; use https, http on loopback, or an app's own scheme: {scheme[1][:40]}"
        )
    authority = re.match(r"[^:]*://([^/?]*)", uri)
    # RFC 3986 §3.2.1, §7.6: user information makes a host look like another.
    if len(uri) == len(scheme[0]) or (authority and "@" in authority[1]):
        raise _refused("a redirect URI needs something after its scheme, and no user information")


def is_native(uris: Iterable[str]) -> bool:
    """Say whether any of `uris` leads to the person's own machine."""
    return any(destination(uri) != "web" for uri in uris)


def with_answer(redirect_uri: str, answer: Mapping[str, str | None]) -> str:
    """Return `redirect_uri` with the answer's parameters added to its query; None is left out."""
    # RFC 6749 §4.1.2, appendix B: every value encoded, so that a state with CR, LF or & stays one value.
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in answer.items() if value is not None)
    if "?" not in redirect_uri:
        return f"{redirect_uri}?{query}"
    # RFC 6749 §3.1.2: the query that the client registered MUST be retained.
    return f"{redirect_uri}{'' if redirect_uri.endswith(('?', '&')) else '&'}{query}"


def _loopback_parts(uri: str) -> tuple[str, str] | None:
    """Return host and everything after the port of an http loopback URI."""
    match = _WEB.fullmatch(uri)
    # RFC 8252 §7.3 is for http; an https port is another server with another certificate.
    if match is None or match[1] != "http" or not _ALLOWED.fullmatch(uri):
        return None
    authority = _AUTHORITY.fullmatch(match[2])
    if authority is None or not _LOOPBACK_HOST.fullmatch(authority[1]) or not _is_port(authority[2]):
        return None
    return authority[1], match[3]


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text) < 65536


def _check_web(uri: str, by_operator: bool) -> None:
    match = _WEB.fullmatch(uri)
    authority = _AUTHORITY.fullmatch(match[2]) if match else None
    if match is None or authority is None:
        raise _refused("a redirect URI needs a plain host, without user information")
    host = authority[1]
    if not _is_port(authority[2]):
        way_out = "; leave the port out, any port of the machine is then the same" if _LOOPBACK_HOST.fullmatch(host) else ""
        raise _refused(f"the port of a redirect URI must be 1 to 65535{way_out}")
    if match[1] == "http":
        # RFC 9700 §2.6: no http but on loopback, since the network would read the code.
        if not _LOOPBACK_HOST.fullmatch(host):
            raise _refused("http is only for localhost, 127.0.0.1 and [::1]; use https")
    # RFC 7591 §5: strangers must not make people's browsers call their own network.
    elif not (_is_public_host(host) or (by_operator and _is_own_host(host))):
        raise _refused("the host of an https redirect URI must be a public name or address")


def _is_own_host(host: str) -> bool:
    """Say whether this is an address of a private network, or this machine; never one that only stands for others."""
    bare = host.strip("[]")
    if not _is_address(bare):
        return host.lower() == "localhost"
    address = ipaddress.ip_address(bare)
    return address.is_private and not (address.is_link_local or address.is_unspecified or address.is_multicast or address.is_reserved)


def _is_public_host(host: str) -> bool:
    if host.startswith("["):
        return ipaddress.ip_address(host[1:-1]).is_global if _is_address(host[1:-1]) else False
    labels = host.split(".")
    # A last label of digits is an address to browsers, in whatever base the others are written.
    if re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", labels[-1]):
        return _is_address(host) and ipaddress.ip_address(host).is_global
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and labels[-1].lower() != "localhost"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _refused(why: str) -> RegistrationRefused:
    return RegistrationRefused(why, "invalid_redirect_uri")
