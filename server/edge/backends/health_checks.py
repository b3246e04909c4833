"""Asks backends whether they are well, each as often as its route says."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

import anyio

from server.edge.backends.choice import Backend
from server.edge.route import Route
from tools.egress.http1 import ClosedUnanswered
from tools.egress.relay_pool import RelayPool
from tools.errors import ToolError

#: how often somebody looks whose turn it is
TICK_S: Final = 0.5
#: asked at one time
MAX_AT_ONCE: Final = 20

log = logging.getLogger("ascend.edge")


class HealthChecks:
    """`routes`: those in force. Results go to the backends; a change of them into the log."""

    def __init__(self, pool: RelayPool, routes: Callable[[], Sequence[Route]]) -> None:
        self._pool, self._routes = pool, routes
        #: loop time of the next check
        self._due: dict[Backend, float] = {}
        self._room = asyncio.Semaphore(MAX_AT_ONCE)

    async def run(self) -> None:
        """Check until cancelled."""
        loop = asyncio.get_running_loop()
        async with anyio.create_task_group() as group:
            while True:
                now = loop.time()
                checked = [(route, each) for route in self._routes() if route.config.health is not None for each in route.backends.all]
                self._due = {backend: self._due.get(backend, now) for _route, backend in checked}
                for route, backend in checked:
                    if self._due[backend] <= now and route.config.health is not None:
                        self._due[backend] = now + route.config.health.every_s
                        group.start_soon(self.check, route, backend)
                await anyio.sleep(TICK_S)

    async def check(self, route: Route, backend: Backend) -> None:
        """Ask once."""
        async with self._room:
            is_well = await self._is_well(route, backend)
        if is_well != backend.is_well:
            facts = {"route": route.label, "backend": backend.url, "is_well": is_well}
            log.warning("edge_backend_changed", extra={"facts": facts})
        backend.checked(is_well=is_well)

    async def _is_well(self, route: Route, backend: Backend) -> bool:
        health = route.config.health
        if health is None:
            return True
        path = backend.base_path + health.path.encode()
        message = b"GET %b HTTP/1.1\r\nhost: %b\r\nuser-agent: ascend-gateway\r\nconnection: close\r\n\r\n" % (path, backend.authority)
        try:
            async with asyncio.timeout(health.timeout_s):
                # Never a kept connection: whether new ones can be had is what is asked.
                connection = await self._pool.dialled(backend.target, health.timeout_s)
                try:
                    connection.begin(message, health.timeout_s, is_head_only=False, is_sent=True)
                    return (await connection.head()).status < 400
                finally:
                    connection.abort()
        except (ToolError, TimeoutError, ClosedUnanswered):
            return False
