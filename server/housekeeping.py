"""Remove what has expired, every few minutes, and keep trying when the store is away."""

import logging
import time

import anyio
from sqlalchemy.exc import SQLAlchemyError

from server.authorization_server import AuthorizationServer
from server.storage.call_store import sweep_calls
from server.storage.change_feed import ChangeFeed
from server.storage.store import Store

EVERY_S = 300.0

log = logging.getLogger("ascend")


class Housekeeping:
    """One sweep over all that expires: tokens, sessions, challenges, results, plans, old changes."""

    def __init__(self, store: Store, feed: ChangeFeed, authorization: AuthorizationServer) -> None:
        self._store, self._feed, self._authorization = store, feed, authorization

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that fails is logged and tried again at its next turn."""
        while True:
            await anyio.sleep(EVERY_S)
            try:
                await self.sweep()
            except SQLAlchemyError as error:
                log.error("sweep_failed", exc_info=error)

    async def sweep(self) -> None:
        """Remove what has expired by now."""
        now = time.time()
        await self._authorization.sweep()
        await self._store.browser_sessions.sweep(now)
        await self._store.passkeys.sweep(now)
        await self._store.identities.sweep(now)
        await sweep_calls(self._store.database)
        await self._feed.sweep()
