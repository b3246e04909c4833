"""Traces: what clients asked, the newest first, and by its id everything that came of one."""

import re
from dataclasses import dataclass
from typing import Any

from server.admin.administrators import Administrator
from server.admin.lists.moment import moment_text
from server.admin.nouns.records.calls import Calls
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.admin.traces import TraceEntry, TraceReader

#: ids of callers may be of any kind; one that no store has is told so
TRACE_ID = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True, slots=True)
class Traces:
    calls: Calls
    reader: TraceReader

    def resource(self) -> Resource:
        return Resource(
            name="traces",
            title="Traces",
            about="What clients asked, the newest first; each with all that came of it: steps, model calls, runs, changes, log lines.",
            columns=(
                Column(name="id", title="Trace", link="traces"),
                Column(name="at", title="When", kind="time"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="person", title="Person"),
                Column(name="operation", title="Asked for", link="operations"),
                Column(name="ms", title="ms", kind="duration_ms"),
                Column(name="outcome", title="Outcome", kind="state"),
            ),
            facts=(Column(name="items", title="In order"),),
            rows=self.rows,
            one=self.one,
            filters=(
                Filter(name="failed", title="Failed only", is_flag=True),
                Filter(name="operation", title="Operation"),
                Filter(name="person", title="Person"),
            ),
            default_range="24h",
            when_empty="Nothing was asked. Ask for a longer range, or take a filter away.",
        )

    async def rows(self, administrator: Administrator, query: ListQuery) -> Rows:
        found = await self.calls.rows(administrator, query, is_whole=True)
        return Rows([_row(call) for call in found.items], found.next_cursor)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        """Return everything with one id that is within reach, in the order in which it began."""
        trace_id = key.strip().lower()
        if not TRACE_ID.fullmatch(trace_id):
            return None
        found = await self.reader.of(trace_id, administrator.reach(None))
        if not found:
            return None
        first = next((entry for entry in found if entry.kind == "call"), found[0])
        began_us, ended_us = min(entry.from_us for entry in found), max(entry.to_us for entry in found)
        return {
            "id": trace_id,
            "at": began_us,
            "tenant": first.tenant_id,
            "person": first.person,
            "operation": first.what,
            "ms": round((ended_us - began_us) / 1_000, 1),
            "outcome": next((entry.outcome for entry in found if entry.has_failed), first.outcome or "ok"),
            "items": [_item(entry) for entry in found],
        }


def _row(call: Row) -> Row:
    return {"id": call["trace_id"], **{name: call[name] for name in ("at", "tenant", "person", "operation", "ms", "outcome")}}


def _item(entry: TraceEntry) -> dict[str, Any]:
    """Return an entry as programs read it; `facts`: all else that is kept of it."""
    facts = {name: value for name, value in entry.facts.items() if name not in ("at", "trace_id") and value not in (None, "", [], {})}
    return {
        "kind": entry.kind,
        "what": entry.what,
        "at": moment_text(entry.from_us),
        "ms": entry.ms,
        "tenant": entry.tenant_id,
        "person": entry.person,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "facts": facts,
    }
