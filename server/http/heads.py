"""What a request head may be: one line and one Host, bounded, meant for us, and with a body whose end is beyond doubt.

The parser refuses much of what is malformed (two lengths, a length beside chunks, bare line feeds, folded lines) and takes some of
it (two spaces in the request line, other protocols, codings under the chunks). Whatever another recipient of the same bytes could
read otherwise is refused here.
"""

import re
from typing import Final

import httptools

from tools.weighed_cache import cached_if_short

# RFC 9110 §5.4: limits are the server's to set; each field costs every layer behind this
MAX_HEADERS: Final = 100
MAX_HEAD_BYTES: Final = 48 * 1024

#: RFC 9112 §3, with no leniency: single spaces, a target without a fragment, a version that we speak. CONNECT is for proxies.
REQUEST_LINE: Final = re.compile(rb"(?!CONNECT )[A-Z][A-Z-]* [!-\"$-~]+ HTTP/1\.[01]\r\n")
#: what such a line may be while its end has not come yet
BEGINNING_OF_LINE: Final = re.compile(rb"\r|[A-Z-]+(?: [!-\"$-~]*(?: (?:H(?:T(?:T(?:P(?:/(?:1(?:\.(?:[01]\r?)?)?)?)?)?)?)?)?)?)?")
#: RFC 3986 §3.2.2: a name, an IPv4 or bracketed IPv6 address, and perhaps a port; no user information, no list
_AUTHORITY: Final = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_DEFAULT_PORTS: Final = {b"http": 80, b"https": 443}


class _NoFields(list[tuple[bytes, bytes]]):
    """Where trailers go: they are not part of the head (RFC 9110 §6.5.1), and nobody here reads them."""

    def append(self, field: tuple[bytes, bytes]) -> None:
        """Forget the field."""


NO_FIELDS: Final = _NoFields()


class UnfitHead(Exception):
    """The connection turns it into 400 and its end."""


def body_after(
    method: bytes, target: bytes, version: str, headers: list[tuple[bytes, bytes]], authorities: frozenset[bytes], own: bytes
) -> tuple[int | None, bool]:
    """Return how many bytes of body follow a head (RFC 9112 §6.3; None: chunks), and whether the client waits to be told to send it.

    A target in absolute form must be at one of our `authorities`, and its authority takes the place of Host (§3.2.2); `own` is the one
    that is meant where HTTP/1.0 names none. Raises UnfitHead where the head is not for us (§3.2: exactly one valid Host) or its body
    could end in two places: a transfer coding of HTTP/1.0, or one that is not just `chunked` (§6.1).
    """
    # RFC 6585 §5, answered as 400.
    if len(headers) > MAX_HEADERS:
        raise UnfitHead
    fields = dict(headers)
    if version == "1.0" and b"host" not in fields:
        # RFC 9112 §3.2 wants it of HTTP/1.1, and §3.3 has us take what we are called by.
        fields[b"host"] = own
        headers.append((b"host", own))
    # RFC 9112 §3.2: MUST be 400 for none, for two, and for one that is no authority (cache poisoning by Host).
    if not _is_authority(fields.get(b"host", b"")) or (len(fields) != len(headers) and sum(name == b"host" for name, _ in headers) > 1):
        raise UnfitHead
    # RFC 9112 §3.2.4: `*` is for OPTIONS alone.
    if not target.startswith(b"/") and not (target == b"*" and method == b"OPTIONS"):
        authority = _authority_of(target)
        # RFC 9112 §3.2.2; RFC 9110 §7.4: a target that is another server's is misdirected, and we are no proxy.
        if authority not in authorities:
            raise UnfitHead
        # RFC 9112 §3.2.2: MUST ignore Host beside it; left in, two layers could believe two hosts.
        headers[:] = [(name, authority if name == b"host" else value) for name, value in headers]
    # A client of HTTP/1.0 could not read that it may go on (RFC 9110 §10.1.1).
    awaits_continue = b"expect" in fields and version != "1.0" and fields[b"expect"].strip(b" \t").lower() == b"100-continue"
    # RFC 9112 §6.3, rules 6 and 7. The parser has refused two lengths and what is no number (rule 5).
    if b"transfer-encoding" not in fields:
        return int(fields.get(b"content-length", 0)), awaits_continue
    codings = [value.strip(b" \t").lower() for name, value in headers if name == b"transfer-encoding"]
    # RFC 9112 §6.1, §6.3 rule 4: faulty framing, and codings under the chunks are read differently by others (§11.2).
    if version == "1.0" or codings != [b"chunked"]:
        raise UnfitHead
    return None, awaits_continue


# decision 0018: the same Host comes with every request; long ones are not kept, since the sender chooses them.
@cached_if_short(256)
def _is_authority(host: bytes) -> bool:
    return _AUTHORITY.fullmatch(host.strip(b" \t")) is not None


def _authority_of(target: bytes) -> bytes:
    """Return the authority of a target in absolute form, without the port that its scheme implies. Raises UnfitHead."""
    try:
        parts = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError as error:
        raise UnfitHead from error
    # RFC 9110 §4.2.4: user information in a target is an error, likely a deception.
    if not parts.schema or not parts.host or parts.userinfo:
        raise UnfitHead
    host: bytes = parts.host
    bare = b"[" + host + b"]" if b":" in host else host
    is_implied = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.schema.lower())
    return (bare if is_implied else b"%b:%d" % (bare, parts.port)).lower()
