"""Reports: which kinds there are, and each of the time up to a day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from server.admin.administrators import Administrator
from server.admin.resource import Column, ListQuery, Resource, Row, Rows
from server.reports.kinds import KINDS, made
from server.reports.sources import Sources
from server.storage.database import now_us


@dataclass(frozen=True, slots=True)
class Reports:
    """A thing's key is `KIND`, or `KIND:2026-11-28` for the time up to the end of that day (UTC)."""

    sources: Sources

    def resource(self) -> Resource:
        return Resource(
            name="reports",
            title="Reports",
            about="What a time came to. Each is made when it is opened; some come by themselves, as jobs.",
            columns=(
                Column(name="id", title="Report"),
                Column(name="about", title="Says"),
                Column(name="days", title="Days", kind="number"),
            ),
            facts=(
                Column(name="title", title="Title"),
                Column(name="figures", title="Figures"),
                Column(name="tables", title="Tables"),
                Column(name="findings", title="Findings"),
                Column(name="counts", title="Counts"),
                Column(name="checked_at", title="Made"),
            ),
            rows=self.rows,
            one=self.one,
        )

    async def rows(self, _administrator: Administrator, _query: ListQuery) -> Rows:
        return Rows([{"id": name, "about": kind.about, "days": kind.days} for name, kind in KINDS.items()])

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        """Return the report of what the administrator reaches: of the gateway, or of their tenant."""
        name, _, day = key.partition(":")
        kind, to_us = KINDS.get(name), now_us() if not day else _end_of(day)
        if kind is None or to_us is None:
            return None
        whose = None if administrator.reaches_gateway else administrator.tenant_id
        return {"id": key, "about": kind.about, "days": kind.days, **await made(self.sources, name, whose, to_us)}


def _end_of(day: str) -> int | None:
    """Return the end of a day, microseconds since the epoch; None: it is no day."""
    try:
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return int(midnight.timestamp() * 1_000_000)
