"""Kept-alive connections for relayed exchanges: whoever takes one gives it back, and only a clean one is kept."""

import asyncio
from typing import Final

from tools.egress.addresses import Target
from tools.egress.body import failed
from tools.egress.connector import GuardedConnector
from tools.egress.pool import IDLE_S, TICK_S, Origin, dial
from tools.egress.relay_connection import RelayConnection

#: kept for the next request; more than that were a burst
MAX_IDLE_PER_ORIGIN: Final = 128


class RelayPool:
    """Connections by origin. How many there may be is for whoever takes them to say."""

    def __init__(self, connector: GuardedConnector) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._idle_by_origin: dict[Origin, list[RelayConnection]] = {}
        self._connections: set[RelayConnection] = set()
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def idle_count(self) -> int:
        """How many connections wait for a request."""
        return sum(map(len, self._idle_by_origin.values()))

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def kept(self, origin: Origin) -> RelayConnection | None:
        """Return the kept connection that was used last, or None; the backend may just have closed it."""
        idle = self._idle_by_origin.get(origin)
        oldest = self._loop.time() - IDLE_S
        while idle:
            connection = idle.pop()
            # RFC 9112 §9.5: a backend may close at any moment; the younger a connection, the less likely.
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def dialled(self, target: Target, timeout_s: float) -> RelayConnection:
        """Return a fresh connection to a `target` that was judged. Raises EgressRefused, UpstreamFailed."""
        connection = RelayConnection(self._loop, target.url.raw_authority, target.origin, self)
        try:
            async with asyncio.timeout(timeout_s):
                await dial(self._connector, target, lambda: connection)
        except TimeoutError as error:
            what = "took no connection in time"
            raise failed(target.url.raw_authority, "upstream_timeout", what, retryable=True, sent=False) from error
        except BaseException:
            connection.abort()
            raise
        self._connections.add(connection)
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK_S, self._tick)
        return connection

    def give_back(self, connection: RelayConnection) -> None:
        """Keep a connection for the next request, or end it where it has none to come."""
        idle = self._idle_by_origin.setdefault(connection.origin, [])
        # RFC 9112 §9.3: not after `close`, and not where its place in the stream is in doubt.
        if connection.is_reusable and len(idle) < MAX_IDLE_PER_ORIGIN:
            connection.rest(self._loop.time())
            idle.append(connection)
        else:
            connection.abort()

    def close(self) -> None:
        """End every connection."""
        if self._ticking is not None:
            self._ticking.cancel()
        for connection in list(self._connections):
            connection.abort()

    def lost(self, connection: RelayConnection) -> None:
        self._connections.discard(connection)
        idle = self._idle_by_origin.get(connection.origin)
        if idle is not None and connection in idle:
            idle.remove(connection)

    def _tick(self) -> None:
        """End what is late and what nobody needed for a while; one timer for all."""
        now = self._loop.time()
        for connection in list(self._connections):
            connection.expire(now)
        for origin, idle in list(self._idle_by_origin.items()):
            for connection in [each for each in idle if each.idle_since <= now - IDLE_S]:
                connection.abort()
                idle.remove(connection)
            if not idle:
                del self._idle_by_origin[origin]
        self._ticking = self._loop.call_later(TICK_S, self._tick) if self._connections else None
