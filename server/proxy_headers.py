"""Who the caller is behind a reverse proxy: what a trusted one says of it, and a word to the operator about one that is not trusted."""

import logging
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from server.networks import Networks, parse_address

#: what a proxy adds to a request; one of them from an address that is not trusted tells that the caller is somebody else
_MARKS = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"forwarded", b"via"})
#: strangers may write these headers themselves: a few addresses are told, then no more
MAX_TOLD = 8
_UNTRUSTED = "untrusted-proxies"
#: in a scope: the request came through a proxy; the address of its caller, or None where nobody who is trusted said it
_FORWARDED_FOR = "ascend.forwarded_for"

log = logging.getLogger("ascend")


class ProxyHeaders:
    """ASGI: `client` becomes the address that `X-Forwarded-For` of a trusted peer names: the last one that is no trusted proxy itself.

    Headers of other peers are ignored, as anybody may write them; the first time a peer sends them, the log and `ascend doctor`
    (by a file in `data_dir`) say what to set.
    """

    def __init__(self, app: ASGIApp, trusted: Networks, data_dir: Path) -> None:
        self._app = app
        self._trusted = trusted
        self._file = data_dir / _UNTRUSTED
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(name in _MARKS for name, _value in scope["headers"]):
            scope = self._of_the_caller(scope)
        await self._app(scope, receive, send)

    def _of_the_caller(self, scope: Scope) -> Scope:
        peer = scope["client"][0] if scope.get("client") else ""
        if peer not in self._trusted:
            self._tell(peer)
            return {**scope, _FORWARDED_FOR: None}
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        client = self._client_of(said)
        return {**scope, "client": (client, 0), _FORWARDED_FOR: client} if client else {**scope, _FORWARDED_FOR: None}

    def _client_of(self, said: str) -> str | None:
        """Return the last address that is not a trusted proxy's, or the first of all; None where that is no address.

        Whoever trusts everybody (`*`) names no proxy: then it is the last one that is public, or the last of all. The first was
        written by the caller.
        """
        named = [parse_address(_without_port(each.strip())) for each in reversed(said.split(","))]
        if self._trusted.has_all:
            found = next((address for address in named if address is None or address.is_global), named[0])
        else:
            found = next((address for address in named if address is None or str(address) not in self._trusted), named[-1])
        return None if found is None else str(found)

    def _tell(self, peer: str) -> None:
        if peer in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add(peer)
        way_out = f"if it is your proxy, set ASCEND_TRUSTED_PROXIES to {peer}: until then all its callers share one address and its limits"
        log.warning("proxy_not_trusted", extra={"facts": {"address": peer, "way_out": way_out}})
        try:
            self._file.write_text("\n".join(sorted(self._told)), encoding="utf-8")
        except OSError:
            return  # the log has it


def forget_untrusted(data_dir: Path) -> None:
    """Begin anew: a gateway starts, with other settings perhaps."""
    (data_dir / _UNTRUSTED).unlink(missing_ok=True)


def is_forwarded(scope: Scope) -> bool:
    """Say whether the request came through a proxy, trusted or not."""
    return _FORWARDED_FOR in scope


def caller_address(scope: Scope) -> str | None:
    """Return the address of the caller itself; None where a proxy stands between and nobody who is trusted said whose it is."""
    if is_forwarded(scope):
        forwarded_for: str | None = scope[_FORWARDED_FOR]
        return forwarded_for
    return scope["client"][0] if scope.get("client") else None


def untrusted_proxies(data_dir: Path) -> list[str]:
    """Return the addresses that sent a proxy's headers to the running (or last) gateway without being trusted."""
    try:
        return (data_dir / _UNTRUSTED).read_text(encoding="utf-8").split()
    except OSError:
        return []


def _without_port(text: str) -> str:
    """Return the address of `192.0.2.1:443` and `[2001:db8::1]:443`, as some proxies write them."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
