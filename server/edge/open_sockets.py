"""WebSockets that are open: each for as long as its handshake would pass today."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from server.config_versions.sections.edge import EdgeRoute
from server.edge.canonical_path import canonical
from server.edge.incoming import Incoming
from server.edge.refusals import EdgeRefused
from server.edge.route import Route
from server.edge.route_table import RouteTable


@dataclass(eq=False, slots=True)
class OpenSocket:
    """One that passed the checks of `route`. `limit` ends it: at the end of its token, or now."""

    route: Route
    path: bytes
    backend_url: str
    limit: asyncio.Timeout

    def end_unless_let_in(self, table: RouteTable) -> None:
        """End it where the same request would not come by the same checks to the same backend."""
        if not self._is_let_in(table) and not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time())

    def _is_let_in(self, table: RouteTable) -> bool:
        try:
            found = table.find(self.path)
        except EdgeRefused:
            return False
        if found is None:
            return False
        config = found[0].config
        return _checks(config) == _checks(self.route.config) and any(each.url == self.backend_url for each in config.backends)


class OpenSockets:
    """Those of this process."""

    def __init__(self) -> None:
        self._open = set[OpenSocket]()
        self._table: RouteTable | None = None

    @asynccontextmanager
    async def holding(self, route: Route, request: Incoming, backend_url: str) -> AsyncIterator[asyncio.Timeout]:
        """Hold one that is open, and leave the block when its time is over: then the limit has expired."""
        # The loop counts on a clock of its own.
        limit = asyncio.timeout(None if math.isinf(request.expires_at) else request.expires_at - time.time())
        socket = OpenSocket(route, canonical(request.scope["raw_path"]), backend_url, limit)
        try:
            async with limit:
                self._open.add(socket)
                if self._table is not None:
                    # The routes may have changed while the backend thought about it.
                    socket.end_unless_let_in(self._table)
                yield limit
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._open.discard(socket)

    def end_others(self, table: RouteTable) -> None:
        """Put routes in force, and end what they would not let in as it is."""
        self._table = table
        for socket in self._open:
            socket.end_unless_let_in(table)


def _checks(config: EdgeRoute) -> EdgeRoute:
    # Shares of backends are changed step by step, and lose nothing that is under way.
    return replace(config, backends=())
