"""What changed in the store, told to this process: imports by the command line, revocations by another node."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from sqlalchemy import delete, func, select

from server.storage.database import Database, now_us
from server.storage.schema.platform_tables import changes

POLL_S = 0.25
KEEP_US = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """`tenant_id` None: shared by all tenants."""

    topic: str
    tenant_id: str | None
    item: str


Listener = Callable[[list[Change]], Awaitable[None]]


class ChangeFeed:
    """Polls the `changes` table and hands each topic's news to its listeners, in order, each change once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, list[Listener]] = {}
        self._seen = 0

    def listen(self, topic: str, listener: Listener) -> None:
        """Call `listener` with every later change of `topic`. Listeners are registered before `start`."""
        self._listeners.setdefault(topic, []).append(listener)

    async def start(self) -> None:
        """Take today's end of the feed as the beginning: what was before is in the snapshots that are loaded after this."""
        async with self._database.read() as connection:
            self._seen = (await connection.execute(select(func.coalesce(func.max(changes.c.seq), 0)))).scalar_one()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await anyio.sleep(POLL_S)
            await self.poll()

    async def poll(self) -> None:
        """Deliver what is new now."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(changes).where(changes.c.seq > self._seen).order_by(changes.c.seq))).all()
        if not rows:
            return
        self._seen = rows[-1].seq
        by_topic: dict[str, list[Change]] = {}
        for row in rows:
            by_topic.setdefault(row.topic, []).append(Change(row.topic, row.tenant_id or None, row.item))
        for topic, news in by_topic.items():
            for listener in self._listeners.get(topic, []):
                await listener(news)

    async def sweep(self) -> None:
        """Forget changes that every process has seen long ago."""
        async with self._database.write() as connection:
            await connection.execute(delete(changes).where(changes.c.changed_at < now_us() - KEEP_US))
