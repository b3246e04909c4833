"""What changed in the store, told to this process: imports by the command line, revocations by another node."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from sqlalchemy import func, select

from server.storage.change_position import position_in
from server.storage.database import Database, StoreUnavailable, now_us
from server.storage.notifications import Notifications
from server.storage.row_removal import remove_rows
from server.storage.schema.platform_tables import changes

POLL_S = 0.1
#: between two looks, however often PostgreSQL says that there is news: what ends meanwhile is read together
GATHER_S = 0.01
KEEP_US = 24 * 3600 * 1_000_000
RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
#: a node that hears no news for so long should get no requests
MAX_BEHIND_US = 30 * 1_000_000

log = logging.getLogger("ascend")


@dataclass(frozen=True, slots=True)
class Change:
    """`tenant_id` None: shared by all tenants."""

    topic: str
    tenant_id: str | None
    item: str


Listener = Callable[[list[Change]], Awaitable[None]]


class ChangeFeed:
    """Reads the `changes` table and hands each topic's news to its listeners: each change once, and again where one failed.

    It looks ten times a second, and at once where PostgreSQL says that there is news (`server/storage/notifications.py`). Every
    listener has an inbox of its own: one that is slow or fails holds up nobody else's news.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inboxes: list[_Inbox] = []
        self._position = position_in(database)
        self._notified = anyio.Event()
        self._is_behind = False
        #: when the table was read last
        self._read_at_us = now_us()
        self._has_missed = False

    def listen(self, topic: str, listener: Listener) -> None:
        """Call `listener` with every later change of `topic`. Listeners are registered before `run`."""
        self._inboxes.append(_Inbox(topic, listener))

    async def start(self) -> None:
        """Take what is committed now as the beginning: it is in the snapshots that are loaded after this."""
        async with self._database.feed() as connection:
            await self._position.begin(connection)
        self._read_at_us = now_us()

    async def run(self) -> None:
        """Follow the table until cancelled. A store that is away costs time, not changes: they are read when it is back."""
        async with anyio.create_task_group() as group:
            for inbox in self._inboxes:
                group.start_soon(inbox.run)
            if not self._database.is_sqlite:
                group.start_soon(Notifications(self._database.url).run, self._look)
            while True:
                with anyio.move_on_after(POLL_S):
                    await self._notified.wait()
                # Before the look: what is announced during it is looked for again.
                self._notified = anyio.Event()
                try:
                    await self._read()
                except (StoreUnavailable, OSError) as error:
                    if not self._is_behind:
                        log.error("change_feed_behind", extra={"facts": {"kind": type(error).__name__}})
                    self._is_behind = True
                else:
                    if self._is_behind:
                        log.warning("change_feed_caught_up")
                    self._is_behind = False
                await anyio.sleep(GATHER_S)

    async def ready(self) -> str | None:
        """Say why this process may not know what changed; None where it does."""
        if self._has_missed:
            return "was without the store for so long that changes were missed; restart this process"
        behind_us = now_us() - self._read_at_us
        return f"no changes read for {behind_us // 1_000_000} s" if behind_us > MAX_BEHIND_US else None

    async def poll(self) -> None:
        """Deliver what is new now; what a listener raised is logged, and its news stay for the next time."""
        await self._read()
        for inbox in self._inboxes:
            await inbox.deliver()

    async def sweep(self) -> None:
        """Forget changes that every process has seen long ago."""
        # SQLite gives the number of a last row that is gone once more: the newest stays, or what follows would look old.
        newest = select(func.max(changes.c.seq)).scalar_subquery()
        await remove_rows(self._database, changes, changes.c.changed_at < now_us() - KEEP_US, changes.c.seq < newest)

    def _look(self) -> None:
        self._notified.set()

    async def _read(self) -> None:
        async with self._database.feed() as connection:
            # Straight into the inboxes: what is taken as read is not lost when the connection breaks on its way back.
            for topic, tenant_id, item in await self._position.advance(connection):
                change = Change(topic=topic, tenant_id=tenant_id or None, item=item)
                for inbox in self._inboxes:
                    if inbox.topic == topic:
                        inbox.put(change)
        now, before = now_us(), self._read_at_us
        self._read_at_us = now
        if now - before > KEEP_US and not self._has_missed:
            self._has_missed = True
            log.error("change_feed_missed_changes", extra={"facts": {"away_s": (now - before) // 1_000_000}})


class _Inbox:
    """What one listener has not been told yet."""

    def __init__(self, topic: str, listener: Listener) -> None:
        self.topic = topic
        self._listener = listener
        #: in order, each once: many changes of one thing are one piece of news
        self._news: dict[Change, None] = {}
        self._arrived = anyio.Event()

    def put(self, change: Change) -> None:
        self._news.pop(change, None)
        self._news[change] = None
        self._arrived.set()

    async def run(self) -> None:
        wait_s = RETRY_S
        while True:
            await self._arrived.wait()
            if await self.deliver():
                wait_s = RETRY_S
            else:
                await anyio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_RETRY_S)

    async def deliver(self) -> bool:
        """Tell the listener what is here; False where some of it was not taken over, which is still here."""
        self._arrived = anyio.Event()
        news, self._news = list(self._news), {}
        if not news or await self._tell(news):
            return True
        # One by one, so that what cannot be taken over keeps back nothing else.
        kept = news if len(news) == 1 else [change for change in news if not await self._tell([change])]
        self._news = dict.fromkeys(kept) | self._news
        if kept:
            self._arrived.set()
        return not kept

    async def _tell(self, news: list[Change]) -> bool:
        try:
            await self._listener(news)
        except Exception as error:  # whatever it is, a change that was not taken over must not be forgotten
            log.error("change_not_taken_over", exc_info=error, extra={"facts": {"topic": self.topic, "changes": len(news)}})
            return False
        return True
