"""Where a provider may be: https anywhere, plain http only where nobody in between can read along."""

import re
from urllib.parse import urlsplit

from tools.egress.plain_http import PLAIN_HTTP_FAULT, is_in_the_clear

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
    return PLAIN_HTTP_FAULT if is_in_the_clear(url) else ""
