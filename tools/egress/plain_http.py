"""Where plain http will do: on this machine and in private networks, where nobody in between can read along."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from tools.egress.addresses import is_public

#: RFC 6761 §6.3, RFC 6762 §3, RFC 8375: names that no public resolver knows
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local", ".localdomain", ".lan", ".home.arpa", ".test")
PLAIN_HTTP_FAULT: Final = "must begin with https://; plain http is for this machine and private networks"


def is_in_the_clear(url: str) -> bool:
    """Say whether what is sent to `url`, tokens and all, can be read on its way. Also of what is no URL: it is none that is safe."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return True
    return parts.scheme == "http" and not _is_private(host)


def _is_private(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:
        # One label is a container or a machine of the same network; a public name has a dot.
        return bool(host) and ("." not in host or host.endswith(_LOCAL_SUFFIXES))
