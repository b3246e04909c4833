"""Whether everything that the gateway needs is well, and what to do where it is not; each part is asked by itself, within two seconds."""

import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from server.admin.node_health import Finding, NodeHealth
from server.config_versions.sections.alerts import Alerts
from server.config_versions.sections.sinks import Sinks
from server.storage.database import Database, StoreUnavailable
from server.storage.read_limit import ReadTooLong, reads_within
from server.storage.store import Store

#: of one part
MAX_LOOK_S = 2.0
HOUR_US, DAY_S = 3_600 * 1_000_000, 86_400.0
#: of a slot that nobody took; an alert counts in periods of its schedule instead
MAX_LATE_US = HOUR_US
#: of model calls of an hour; single ones fail without anything being wrong
MAX_MODEL_ERRORS, LEAST_MODEL_CALLS = 0.1, 10
#: for parts that the gateway serves without
_ADVICE = {"workers": "one that died is started anew, the log says why it did; the others answer meanwhile"}
#: when the newest backup was made, epoch seconds; None: there is none. Asks no bucket: health is shown though that cannot be reached
NewestBackup = Callable[[], Awaitable[float | None]]


@dataclass(frozen=True, slots=True)
class HealthReader:
    """`data_dir`: whose disk must not run full; `sinks`, `alerts`: the sections of the configuration that are in force.

    What is too old or too full is what the alert of it says, whether that is enabled or not.
    """

    store: Store
    data_dir: Path
    newest_backup: NewestBackup
    sinks: Callable[[], Sinks]
    alerts: Callable[[], Alerts]
    clock: Callable[[], float] = time.time
    #: what the gateway serves without, by its name
    optional: Mapping[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict)

    async def findings(self) -> Sequence[Finding]:
        """Return how every part is, in the order in which one looks at them."""
        looks: Sequence[tuple[str, Callable[[], Awaitable[Sequence[Finding]]]]] = (
            ("Store", lambda: self._store("Store", self.store.database)),
            ("History", lambda: self._store("History", self.store.history)),
            *((name.capitalize(), partial(self._optional_part, name)) for name in self.optional),
            ("Nodes", NodeHealth(self.store.alerts, self.clock).findings),
            ("Disk", self._disk),
            ("AI gateway", self._models),
            ("Log sinks", self._sinks),
            ("Jobs", self._jobs),
            ("Backups", self._backups),
        )
        found: dict[str, Sequence[Finding]] = {}

        async def ask(part: str, look: Callable[[], Awaitable[Sequence[Finding]]]) -> None:
            found[part] = [Finding(part, "bad", f"no answer within {MAX_LOOK_S:g} s", "look into the log of the gateway")]
            with anyio.move_on_after(MAX_LOOK_S), reads_within(MAX_LOOK_S):
                try:
                    found[part] = await look()
                except (StoreUnavailable, ReadTooLong, OSError) as error:
                    found[part] = [
                        Finding(part, "bad", f"it could not be asked: {type(error).__name__}", "look into the log of the gateway")
                    ]

        async with anyio.create_task_group() as group:
            for part, look in looks:
                group.start_soon(ask, part, look)
        return [finding for part, _look in looks for finding in found[part]]

    async def _store(self, part: str, database: Database) -> Sequence[Finding]:
        began = time.perf_counter()
        fault = await database.ping()
        if fault is not None:
            return [Finding(part, "bad", fault, "start the database, or look at its disk; /readyz says the same")]
        size = self.store.sizes.bytes_by_store().get("state" if part == "Store" else "history", 0)
        kind = "SQLite" if database.is_sqlite else "PostgreSQL"
        large = f", {size / 1e6:,.0f} MB" if size else ""
        return [Finding(part, "good", f"{kind} answered in {(time.perf_counter() - began) * 1_000:.0f} ms{large}")]

    async def _optional_part(self, name: str) -> Sequence[Finding]:
        wrong = await self.optional[name]()
        advice = _ADVICE.get(name, "start it, or look at the network; calls go on meanwhile") if wrong else ""
        return [Finding(name.capitalize(), "warn" if wrong else "good", wrong or "all is there", advice)]

    async def _disk(self) -> Sequence[Finding]:
        disk = await anyio.to_thread.run_sync(shutil.disk_usage, self.data_dir)
        free = disk.free / disk.total
        words = f"{free:.0%} free, {disk.free / 1e9:,.0f} GB"
        advice = "make room, or keep less: `retention` in the configuration" if 100 * free < self.alerts().rules.disk.below_percent else ""
        return [Finding("Disk", "bad" if advice else "good", words, advice)]

    async def _models(self) -> Sequence[Finding]:
        usages = await self.store.model_calls.usage("provider", None, int(self.clock() * 1_000_000) - HOUR_US)
        if not usages:
            return [Finding("AI gateway", "good", "no model was called in the last hour")]
        return [
            Finding(
                f"AI gateway: {usage.of or 'no target'}",
                "warn" if (is_failing := usage.calls >= LEAST_MODEL_CALLS and usage.errors > MAX_MODEL_ERRORS * usage.calls) else "good",
                f"{usage.errors:,} of {usage.calls:,} calls of the last hour failed",
                "look at its key and its status page; routes with a second target go on" if is_failing else "",
            )
            for usage in usages
        ]

    async def _sinks(self) -> Sequence[Finding]:
        wanted = {(sink.name, stream) for sink in self.sinks().logs for stream in sink.streams}
        if not wanted:
            return [Finding("Log sinks", "good", "none is configured")]
        # Cursors outlive their sinks.
        return [
            Finding(
                f"Log sink {cursor.sink}, {cursor.stream}",
                # An error that is over stays on record, so that one can see what it was.
                "bad" if cursor.failures else "good",
                cursor.error if cursor.failures else "it takes what it is sent",
                "mend what it says; nothing is lost meanwhile, it is sent later" if cursor.failures else "",
            )
            for cursor in await self.store.sink_cursors.all()
            if (cursor.sink, cursor.stream) in wanted
        ] or [Finding("Log sinks", "good", "nothing was sent yet")]

    async def _jobs(self) -> Sequence[Finding]:
        late = await self.store.durable.schedules.due(int(self.clock() * 1_000_000) - MAX_LATE_US, 20)
        if not late:
            return [Finding("Jobs", "good", "no slot waits")]
        names = ", ".join(f"{each.name} ({each.tenant_id})" for each in late[:5])
        return [Finding("Jobs", "bad", f"late by more than an hour: {names}", "see that a node runs: jobs begin where `ascend serve` does")]

    async def _backups(self) -> Sequence[Finding]:
        made_at = await self.newest_backup()
        if made_at is None:
            return [Finding("Backups", "warn", "there is none", "`ascend backup init`, then `ascend backup create`")]
        days = (self.clock() - made_at) / DAY_S
        advice = (
            "look at the job `backup`, or make one by hand: `ascend backup create`" if days > self.alerts().rules.backup_old.days else ""
        )
        return [Finding("Backups", "bad" if advice else "good", f"the newest is {days:.1f} days old", advice)]
