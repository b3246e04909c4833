"""A node that follows the change feed of a store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import Database


class Node:
    """Another process on the same store, as far as the feed goes: what it heard, in order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = ChangeFeed(database)
        self.heard: list[str] = []
        self.feed.listen("tokens", self._hear)

    async def _hear(self, changes: list[Change]) -> None:
        self.heard += [change.item for change in changes]

    async def news(self) -> list[str]:
        before = len(self.heard)
        await self.feed.poll()
        return self.heard[before:]


@asynccontextmanager
async def node_on(url: str) -> AsyncIterator[Node]:
    database = Database(url)
    node = Node(database)
    await node.feed.start()
    yield node
    await database.close()
