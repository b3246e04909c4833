"""Backups: which there are, when each was made, and whether it was tried."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from oauth.tenants import DEFAULT_TENANT
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.jobs import as_refusals
from server.admin.refusals import AdminRefused, not_found
from server.admin.resource import Change, Column, Done, ListQuery, Resource, Row, Rows
from server.storage.copies.kept import BackupsUnreachable, KeptBackup

if TYPE_CHECKING:
    from tools.workflows.schedules.schedule import ScheduleRun
    from tools.workflows.schedules.setting import Schedules

MAKE, DRILL = "backup", "backup-verify"
#: slots of the drill that are looked through for when a backup was tried
DRILLS = 100


class BackupPlace(Protocol):
    async def listed(self) -> Sequence[KeptBackup]:
        """Return the backups, newest first. Raises BackupsUnreachable."""
        ...

    async def verify(self, at: str) -> str:
        """Read the one that is there to its end; return what is wrong with it, "" where it is whole."""
        ...


class Slots(Protocol):
    async def runs(self, tenant_id: str, name: str | None, limit: int, before_us: int | None = None) -> "Sequence[ScheduleRun]": ...


@dataclass(frozen=True, slots=True)
class Backups:
    place: BackupPlace
    #: schedules are loaded when somebody looks at them (docs/decisions/0059)
    opens: "Callable[[], Awaitable[tuple[Slots, Schedules]]]"

    def resource(self) -> Resource:
        return Resource(
            name="backups",
            title="Backups",
            about="Encrypted copies of everything the gateway keeps. A drill restores the newest aside, opens a gateway on it and asks it.",
            columns=(
                Column(name="id", title="Backup"),
                Column(name="made_at", title="Made", kind="time"),
                Column(name="size_bytes", title="Size", kind="bytes"),
                Column(name="state", title="State", kind="state"),
                Column(name="tried_at", title="Tried", kind="time"),
                Column(name="environment", title="Environment", is_aside=True),
            ),
            facts=(Column(name="reason", title="What was wrong"), Column(name="at", title="Where")),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=(
                Change("make", "Make one now", self.make, is_of_list=True),
                Change("drill", "Try the newest", self.drill, is_of_list=True),
                Change("verify", "Read it to its end", self.verify),
            ),
            is_of_gateway=True,
            when_empty="There is no backup. `ascend backup init` makes the keys; from then on one is made each week.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        tried = await self._tried()
        # Names end with the time, and are of one environment nearly always: newest first is descending.
        kept = sorted(await self._listed(), key=lambda each: each.name, reverse=True)
        return page_of([_row(each, tried.get(each.name)) for each in kept], query, "id")

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        found = await self._kept(key)
        return None if found is None else {**_row(found, (await self._tried()).get(key)), "at": found.at}

    async def make(self, _administrator: Administrator, _key: str, _values: Mapping[str, str]) -> Done:
        with as_refusals():
            _, schedules = await self.opens()
            run = await schedules.start(DEFAULT_TENANT, MAKE)
        return Done("A backup is being made; the job `backup` says how it went.", {"run": run.run_id})

    async def drill(self, _administrator: Administrator, _key: str, _values: Mapping[str, str]) -> Done:
        with as_refusals():
            _, schedules = await self.opens()
            run = await schedules.start(DEFAULT_TENANT, DRILL)
        return Done("The newest backup is being tried; the job `backup-verify` says how it went.", {"run": run.run_id})

    async def verify(self, _administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        found = await self._kept(key)
        if found is None:
            raise not_found(f"there is no backup {key[:80]!r}")
        if wrong := await self.place.verify(found.at):
            raise AdminRefused(409, "backup_broken", wrong, "make another one at once, and look why this one broke")
        return Done(f"{key} is whole.", {"id": key, "is_whole": True})

    async def _listed(self) -> Sequence[KeptBackup]:
        try:
            return await self.place.listed()
        except BackupsUnreachable as error:
            hint = "see that ASCEND_BACKUP_TO and its keys are right: `ascend backup list` asks as this does"
            raise AdminRefused(503, "backups_unreachable", str(error), hint) from error

    async def _kept(self, name: str) -> KeptBackup | None:
        return next((each for each in await self._listed() if each.name == name), None)

    async def _tried(self) -> "Mapping[str, ScheduleRun]":
        """Return the newest drill of each backup that one names."""
        found: dict[str, ScheduleRun] = {}
        slots, _ = await self.opens()
        for run in reversed(await slots.runs(DEFAULT_TENANT, DRILL, DRILLS)):
            name = run.report.get("about") if run.report else None
            if isinstance(name, str):
                found[name] = run
        return found


def _row(kept: KeptBackup, tried: "ScheduleRun | None") -> Row:
    findings = [] if tried is None or tried.report is None else tried.report.get("findings")
    broken = next((str(each.get("message", "")) for each in findings if isinstance(each, dict)), "") if isinstance(findings, list) else ""
    return {
        "id": kept.name,
        "made_at": round(kept.made_at.timestamp() * 1_000_000),
        "size_bytes": kept.bytes,
        "environment": kept.environment,
        "state": "untried" if tried is None else "broken" if broken else "verified",
        "tried_at": tried.started_at_us if tried else None,
        "reason": broken,
    }
