"""Who may call: hosts and origins compared by their parts, never by how they begin (MCP transports, "Security Warning")."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import Scope

from oauth.resources import LOOPBACK_HOSTS

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: RFC 6454 §6.2, with a name, an IPv4 or a bracketed IPv6 address of RFC 3986 §3.2.2; nothing before or behind it
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]{2,45}\]|[a-z0-9._~-]{1,255})(?::([0-9]{0,5}))?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port. `port` is None where the scheme has no default and none was written."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Say whether only programs on this machine can be there."""
        return self.host in LOOPBACK_HOSTS

    def __str__(self) -> str:
        """Return it as browsers write it: without the port that the scheme implies."""
        port = "" if self.port in (None, _DEFAULT_PORTS.get(self.scheme)) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def parse_origin(text: str) -> Origin | None:
    """Return the origin that `text` is as a whole, in any case of letters; None for anything else, `null` too."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    port = int(match[3]) if match[3] else _DEFAULT_PORTS.get(match[1])
    return None if port is not None and port > 65_535 else Origin(match[1], match[2], port)


class Callers:
    """Which `Host` and `Origin` headers are taken at the MCP endpoint.

    Ours, those that the operator allows, and every loopback name and port where we are on loopback ourselves: that keeps DNS
    rebinding out, and lets clients on this machine in.
    """

    def __init__(self, base_url: str, allowed_origins: Iterable[str] = ()) -> None:
        base = parse_origin(base_url)
        assert base is not None, base_url
        self._base = base
        self._base_url = base_url
        self._allowed = {base, *filter(None, map(parse_origin, allowed_origins))}
        self.takes_host = lru_cache(maxsize=256)(self._takes_host)
        self.takes_origin = lru_cache(maxsize=256)(self._takes_origin)

    def base_url_at(self, host: bytes | str | None) -> str:
        """Return our origin as the client spells it: another loopback name for the same port is the same place (RFC 9728 §3.3).

        Clients compare what the metadata says with what they were told; everything but such a name gets the one base URL.
        """
        if not self._base.is_loopback or not host:
            return self._base_url
        spelled = self._at(host.decode("latin-1") if isinstance(host, bytes) else host)
        return str(spelled) if spelled is not None and spelled.is_loopback and spelled.port == self._base.port else self._base_url

    def _takes_host(self, host: bytes) -> bool:
        origin = self._at(host.decode("latin-1").strip(" \t"))
        return origin is not None and (origin == self._base or self._is_local(origin))

    def _takes_origin(self, origin: bytes) -> bool:
        parsed = parse_origin(origin.decode("latin-1").strip(" \t"))
        return parsed is not None and (parsed in self._allowed or self._is_local(parsed))

    def _at(self, host: str) -> Origin | None:
        return parse_origin(f"{self._base.scheme}://{host}")

    def _is_local(self, origin: Origin) -> bool:
        return self._base.is_loopback and origin.is_loopback and origin.scheme == self._base.scheme


def host_of(scope: Scope) -> bytes:
    """Return the Host header; empty where there is none."""
    return next((value for name, value in scope["headers"] if name == b"host"), b"")
