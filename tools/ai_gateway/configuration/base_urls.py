"""Where a provider may be: https anywhere, plain http only where nobody in between can read along."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from tools.egress.addresses import is_public

#: RFC 6761 §6.3, RFC 6762 §3, RFC 8375: names that no public resolver knows
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local", ".localdomain", ".lan", ".home.arpa", ".test")
_PLAIN = re.compile(r"[\x21-\x7e]+")


def base_url_fault(url: str) -> str:
    """Return which rule the base URL of a provider breaks, in words, or "". The URL is not repeated: it may hold a key."""
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return "has characters that a URL spells with percent signs"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is no URL; write it like https://api.example.com/v1"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return "must be an http(s) URL with a host, like https://api.example.com/v1"
    if "@" in parts.netloc:
        return "carries a user name or key; give the key with `ascend connection add-key NAME`"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "must end with its path: nothing of `?` or `#`; give a key with `ascend connection add-key NAME`"
    if parts.scheme == "http" and not _is_private(host):
        return "must begin with https://; plain http is for this machine and private networks"
    return ""


def _is_private(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:
        # One label is a container or a machine of the same network; a public name has a dot.
        return "." not in host or host.endswith(_LOCAL_SUFFIXES)
