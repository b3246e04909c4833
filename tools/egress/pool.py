"""Kept-alive HTTP/1.1 connections for the plain requests that most calls are; everything unusual is left to aiohttp's pool."""

import asyncio
import math
import ssl
from collections.abc import Callable, Mapping

import aiohttp
from multidict import CIMultiDict

from tools.egress.addresses import Target, refused
from tools.egress.body import failed, unreachable
from tools.egress.connector import AddressRefused, GuardedConnector
from tools.egress.http1 import ClosedUnanswered, Http1Connection, Http1Response, broken_off
from tools.errors import EgressRefused, UpstreamFailed

MAX_CONNECTIONS = 500
MAX_CONNECTIONS_PER_ORIGIN = 50
IDLE_S = 15.0
#: how often somebody looks for what is late or idle; an exchange may be late by as much
TICK_S = 0.5
#: A larger one is written piece by piece, which aiohttp does.
MAX_REQUEST_BYTES = 256 * 1024
_CLOSE_S = 1.0
#: HEAD is missing: its answer has a length and no body, which the parser is not told.
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: RFC 9110 §9.2.2
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE", "OPTIONS"})
_WITHOUT_LENGTH = frozenset({"GET", "OPTIONS"})

Origin = tuple[str, str, int]


class Http1Pool:
    """Connections by origin. A request never waits for one here: where there is no room, `takes` says so."""

    def __init__(self, connector: GuardedConnector, base_headers: Mapping[str, str]) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._base_headers = [(name.lower(), f"{name}: {value}\r\n") for name, value in {"Accept": "*/*", **base_headers}.items()]
        self._idle_by_origin: dict[Origin, list[Http1Connection]] = {}
        #: with those that are being dialled
        self._count_by_origin: dict[Origin, int] = {}
        self._connections: set[Http1Connection] = set()
        self._count = 0
        self._ticking: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def busy_count(self) -> int:
        """How many connections carry an exchange or are being dialled."""
        return self._count - self.idle_count

    @property
    def idle_count(self) -> int:
        """How many connections wait for a request."""
        return sum(map(len, self._idle_by_origin.values()))

    def takes(self, method: str, body: bytes | None, origin: Origin) -> bool:
        """Say whether this request can go this way now."""
        # decision 0014: what is plain.
        if method not in _METHODS or (body is not None and len(body) > MAX_REQUEST_BYTES) or self._is_closed:
            return False
        if origin in self._idle_by_origin:
            return True
        return self._count < MAX_CONNECTIONS and self._count_by_origin.get(origin, 0) < MAX_CONNECTIONS_PER_ORIGIN

    async def send(
        self,
        method: str,
        target: Target,
        headers: CIMultiDict[str],
        body: bytes | None,
        max_body_bytes: int,
        deadline: float,
        connect_s: float = math.inf,
    ) -> Http1Response:
        """Send one request and return its whole answer. Raises EgressRefused, UpstreamFailed and TimeoutError.

        It goes out once; but where a kept connection ended without a word, an idempotent one goes out on a fresh connection.
        """
        origin, authority = target.origin, target.url.raw_authority
        try:
            message = self._message(method, target, headers, body)
        except UnicodeEncodeError as error:
            raise failed(authority, "upstream_malformed", "cannot be sent a header with half a character in it") from error
        # decision 0014: kept alive, one exchange at a time.
        connection = self._take(origin)
        if connection is not None:
            try:
                answer = await connection.exchange(message, max_body_bytes, deadline)
                self._keep(connection, origin)
                return answer
            except ClosedUnanswered as error:
                # RFC 9112 §9.3.1: it may have been done before the connection ended; a write is never repeated by itself.
                if method not in _IDEMPOTENT:
                    raise broken_off(authority) from error
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + connect_s)):
                connection = await self._dial(target, origin)
        except TimeoutError as error:
            what = "took no connection in time"
            raise failed(authority, "upstream_timeout", what, retryable=True, sent=False) from error
        try:
            answer = await connection.exchange(message, max_body_bytes, deadline)
        except ClosedUnanswered as error:
            raise broken_off(authority) from error
        self._keep(connection, origin)
        return answer

    async def close(self) -> None:
        """End every connection, and return when they are gone."""
        self._is_closed = True
        if self._ticking is not None:
            self._ticking.cancel()
        for connection in list(self._connections):
            connection.abort()
        try:
            async with asyncio.timeout(_CLOSE_S):
                while self._connections:  # noqa: ASYNC110  # each is gone when the loop has told it so
                    await asyncio.sleep(0)
        except TimeoutError:
            self._connections.clear()

    def _message(self, method: str, target: Target, headers: CIMultiDict[str], body: bytes | None) -> bytes:
        url = target.url
        # RFC 9110 §7.2: Host first, and from the URL that was judged.
        head = f"{method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
        for name, value in headers.items():
            head += f"{name}: {value}\r\n"
        for name, line in self._base_headers:
            if name not in headers:
                head += line
        # RFC 9110 §8.6: a length of 0 for methods that expect a body, or some servers answer 411.
        if body is not None or method not in _WITHOUT_LENGTH:
            head += f"Content-Length: {len(body or b'')}\r\n"
        # One write, one packet for most requests (decision 0014).
        return f"{head}\r\n".encode() + (body or b"")

    def _take(self, origin: Origin) -> Http1Connection | None:
        """Return the connection that was used last, so that those that are not needed grow old."""
        idle = self._idle_by_origin.get(origin)
        if idle is None:
            return None
        oldest = self._loop.time() - IDLE_S
        found = None
        while idle and found is None:
            connection = idle.pop()
            # RFC 9112 §9.5: an upstream may close at any moment; the younger a connection, the less likely.
            if connection.is_reusable and connection.idle_since > oldest:
                found = connection
            else:
                connection.abort()
        if not idle:
            del self._idle_by_origin[origin]
        return found

    def _keep(self, connection: Http1Connection, origin: Origin) -> None:
        """Keep a connection for the next request, or end it where it has none to come."""
        # RFC 9112 §9.3: not after `close`, and not after a fault that leaves its place in the stream unknown.
        if self._is_closed or not connection.is_reusable:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle_by_origin.setdefault(origin, []).append(connection)

    def _tick(self) -> None:
        """End what is late and what nobody needed for a while; one timer for all."""
        now = self._loop.time()
        for connection in list(self._connections):
            connection.expire(now)
        oldest = now - IDLE_S
        for origin, idle in list(self._idle_by_origin.items()):
            young = [connection for connection in idle if connection.idle_since > oldest]
            for connection in idle:
                if connection.idle_since <= oldest:
                    connection.abort()
            if young:
                self._idle_by_origin[origin] = young
            else:
                del self._idle_by_origin[origin]
        # decision 0018: one timer for all.
        self._ticking = self._loop.call_later(TICK_S, self._tick) if self._connections else None

    async def _dial(self, target: Target, origin: Origin) -> Http1Connection:
        authority = target.url.raw_authority

        def lost(connection: Http1Connection) -> None:
            self._connections.discard(connection)
            self._drop(connection, origin)

        connection = Http1Connection(self._loop, authority, lost)
        self._count += 1
        self._count_by_origin[origin] = self._count_by_origin.get(origin, 0) + 1
        try:
            await dial(self._connector, target, lambda: connection)
        except BaseException:
            if connection.is_made:
                connection.abort()
            else:
                self._drop(connection, origin)
            raise
        self._connections.add(connection)
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK_S, self._tick)
        return connection

    def _drop(self, connection: Http1Connection, origin: Origin) -> None:
        """Count a connection that is gone, and forget it."""
        self._count -= 1
        left = self._count_by_origin[origin] - 1
        if left:
            self._count_by_origin[origin] = left
        else:
            del self._count_by_origin[origin]
        idle = self._idle_by_origin.get(origin)
        if idle is not None and connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle_by_origin[origin]


async def dial(connector: GuardedConnector, target: Target, make: Callable[[], asyncio.Protocol]) -> None:
    """Connect what `make` makes to `target`, by the same guard and the same TLS as aiohttp's connections (decision 0014).

    Raises EgressRefused, UpstreamFailed.
    """
    try:
        try:
            addresses = await connector.addresses(target.host, target.port)
        except AddressRefused:
            raise
        except OSError as error:
            what = "has no address in the DNS, or its name server does not answer"
            raise failed(target.url.raw_authority, "upstream_unreachable", what, retryable=True) from error
        await connector.dial(addresses, target.host, make, is_tls=target.url.scheme == "https")
    except (OSError, aiohttp.ClientError) as error:
        raise _unreachable(error, target) from error


def _unreachable(error: OSError | aiohttp.ClientError, target: Target) -> EgressRefused | UpstreamFailed:
    """Return what it means that no connection came about, in the words that aiohttp's path has for it."""
    authority = target.url.raw_authority
    if isinstance(error, AddressRefused):
        return refused(str(target.url), "leads to an address that is not public")
    if isinstance(error, ssl.SSLError):
        return failed(authority, "upstream_unreachable", "could not be reached by TLS: its certificate is not one that we trust")
    return unreachable(authority, error if isinstance(error, OSError) else None)
