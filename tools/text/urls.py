"""URLs that somebody else wrote: what is none has no parts, and ends nothing."""

from urllib.parse import SplitResult, urljoin, urlsplit


def parts_of(url: str) -> SplitResult:
    """Return the parts of a URL (RFC 3986 §3); of what is none, as with a bracket that stays open or a port past 65,535, those of ""."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def joined(base: str, url: str) -> str:
    """Return `url` read against `base` (RFC 3986 §5.2), as it stands where it is no URL."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url
