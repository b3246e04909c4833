"""What befalls two processes that work on many runs, and their store: one thing after the other, until every run has ended."""

import asyncio
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

import anyio
from sqlalchemy import func, make_url, select

from server.storage.database import Database, StoreUnavailable
from server.storage.schema.workflows.workflow_tables import workflow_runs
from tests.contracts.postgres import stopped
from tests.flows.workflow_crashes.traced_run import Traces, open_on, start
from tests.flows.workflow_crashes.workers import Worker, new_worker
from tests.waiting import until

#: longer than a connection of SQLite waits for a lock
_LOCKED_S = (0.5, 2.0, 11.0)
_LONGEST_PEACE_S = 20.0
_SHOWN_EVERY_S = 10.0

#: told how far it is
Show = Callable[[str], None]


@dataclass
class Chaos:
    """Two processes with a heartbeat of `silence_s` that something happens to again and again; who dies is replaced at once."""

    database: Database
    traces: Traces
    silence_s: float
    dice: random.Random
    show: Show
    happened: Counter[str] = field(default_factory=Counter)
    _pair: list[Worker] = field(default_factory=list)

    async def run(self, runs: int) -> float:
        """Start `runs` runs and return how many seconds it took until all have ended."""
        opened = open_on(self.database, self.traces)
        began = time.monotonic()
        for n in range(runs):
            await start(opened, f"chaos-{n}", pause_s=self.dice.choice([0.0, 0.0, 0.05]))
        async with self._shown(began, runs):
            self._pair = [await self._another(), await self._another()]
            try:
                while await self._open():
                    await self._come_further(self.dice.randint(500, 9_000))
                    await self._befall(self.dice.randrange(2))
                    for at, worker in enumerate(self._pair):
                        if not worker.process.is_alive():
                            self._pair[at] = await self._another()
            finally:
                for worker in self._pair:
                    worker.kill()
        return time.monotonic() - began

    async def _another(self) -> Worker:
        return await asyncio.to_thread(new_worker, self.database.url, self.traces, self.silence_s)

    async def _come_further(self, traced_bytes: int) -> None:
        """Return once so much more was done, or nothing for a while: so as much happens to a thousand runs on whatever machine."""
        from_bytes = self._traced_bytes()
        with anyio.move_on_after(_LONGEST_PEACE_S):
            await until(lambda: self._traced_bytes() >= from_bytes + traced_bytes)

    def _traced_bytes(self) -> int:
        return self.traces.path.stat().st_size if self.traces.path.exists() else 0

    async def _befall(self, which: int) -> None:
        worker, what = self._pair[which], self.dice.choice(["kill", "kill both", "stall", "forward", "back", "stop", "store away"])
        self.happened[what] += 1
        if what == "kill":
            worker.kill()
        elif what == "kill both":
            for each in self._pair:
                each.kill()
        elif what == "stop":
            await asyncio.to_thread(worker.stop)
        elif what == "stall":
            worker.send(signal.SIGSTOP)
            await asyncio.sleep(self.silence_s * self.dice.uniform(0.5, 2))
            worker.send(signal.SIGCONT)
        elif what in ("forward", "back"):
            worker.send(signal.SIGUSR1 if what == "forward" else signal.SIGUSR2)
        else:
            await asyncio.to_thread(self._store_away, self.dice.choice(_LOCKED_S))

    def _store_away(self, seconds: float) -> None:
        """End every session of PostgreSQL and begin it anew; SQLite has no server, so somebody keeps everybody else from writing."""
        if not self.database.is_sqlite:
            with stopped(self.database.url):
                return
        with closing(sqlite3.connect(str(make_url(self.database.url).database), timeout=60, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")

    async def _open(self) -> int:
        """Count the runs that have not ended, or one where the store does not say."""
        query = select(func.count()).select_from(workflow_runs).where(workflow_runs.c.ended_at.is_(None))
        try:
            return int(await self.database.look(lambda connection: connection.execute(query).scalar_one()))
        except StoreUnavailable:
            return 1

    @asynccontextmanager
    async def _shown(self, began: float, runs: int) -> AsyncIterator[None]:
        async def show() -> None:
            while True:
                await asyncio.sleep(_SHOWN_EVERY_S)
                self.show(f"{time.monotonic() - began:.0f} s: {await self._open()} of {runs:,} runs open, {self.told()}")

        showing = asyncio.create_task(show())
        try:
            yield
        finally:
            showing.cancel()

    def told(self) -> str:
        """Say in words what happened, the most frequent first."""
        return ", ".join(f"{count} × {what}" for what, count in self.happened.most_common())
