"""Everything on record with one trace id, in order: calls, steps of plans, model calls, changes, lines. For the page and the command."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from server.admin.nouns.calls import call_row, names_of
from server.admin.resource import Row
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.audit.chain import AuditRow
from server.storage.audit.reading import SqlAuditTrail
from server.storage.history.calls import KeptCall, SqlCallHistory
from server.storage.history.event_lines import EventLine, SqlEventLines
from server.storage.oauth.subjects import SqlSubjectStore
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.records.log_row import log_row

EntryKind = Literal["call", "step", "model call", "change", "line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """One thing that happened. `from_us`: when it began; `ms`: how long it took, None: a moment; `facts`: all that is kept of it."""

    kind: EntryKind
    what: str
    from_us: int
    tenant_id: str
    person: str
    facts: Row
    outcome: str = ""
    ms: float | None = None
    upstream_ms: float | None = None
    reason: str = ""

    @property
    def to_us(self) -> int:
        """Return when it ended."""
        return self.from_us + int((self.ms or 0.0) * 1_000)


@dataclass(frozen=True, slots=True)
class TraceReader:
    calls: SqlCallHistory
    model_calls: SqlModelCallStore
    audit_trail: SqlAuditTrail
    subjects: SqlSubjectStore
    lines: SqlEventLines

    async def of(self, trace_id: str, tenant_id: str | None = None) -> Sequence[TraceEntry]:
        """Return what there is, in the order in which it began; of a tenant alone where one is named."""
        calls = await self.calls.trace(trace_id, tenant_id)
        names = await names_of(self.subjects, {(kept.record.tenant_id, kept.record.subject) for kept in calls})
        entries = [
            *(_call(kept, call_row(kept, names)) for kept in calls),
            *(_model_call(record) for record in await self.model_calls.of_trace(trace_id, tenant_id)),
            *(_change(row) for row in await self.audit_trail.of_trace(trace_id, tenant_id)),
        ]
        # Lines are the gateway's, and say of no tenant that they are its own.
        if tenant_id is None:
            entries += [_line(line) for line in await self.lines.of_trace(trace_id)]
        # What went around others stands before them where both began at once.
        return sorted(entries, key=lambda entry: (entry.from_us, -(entry.ms or 0.0)))


def _call(kept: KeptCall, row: Row) -> TraceEntry:
    record = kept.record
    return TraceEntry(
        kind="step" if record.step else "call",
        what=record.operation,
        # A call is put on record when it ends.
        from_us=record.called_at_us - int(record.duration_ms * 1_000),
        tenant_id=record.tenant_id,
        person=str(row["person"]),
        facts=row,
        outcome=str(row["outcome"]),
        ms=record.duration_ms,
        upstream_ms=record.upstream_ms,
        reason=record.reason,
    )


def _model_call(record: ModelCallRecord) -> TraceEntry:
    errors = [attempt.error for attempt in record.attempts if attempt.error]
    # What was asked and answered is for the log of its gateway, and nobody looks for it here.
    facts = {name: value for name, value in log_row(record).items() if name != "payload"}
    return TraceEntry(
        kind="model call",
        what="/".join(filter(None, (record.provider, record.model))) or record.requested,
        from_us=record.at_us,
        tenant_id=record.tenant_id,
        person=record.user,
        facts=facts,
        outcome=record.outcome,
        ms=record.ms,
        upstream_ms=max(0.0, record.ms - record.overhead_ms),
        reason=errors[-1] if errors and record.outcome != "ok" else "",
    )


def _change(row: AuditRow) -> TraceEntry:
    facts = {"at": row.at_us, "surface": row.surface, "target": row.target, "details": orjson.loads(row.details or "{}"), "seq": row.seq}
    return TraceEntry(kind="change", what=row.action, from_us=row.at_us, tenant_id=row.tenant_id, person=row.actor, facts=facts)


def _line(line: EventLine) -> TraceEntry:
    facts = {"at": line.at_us, "level": line.level, "logger": line.logger, "node": line.node, **orjson.loads(line.facts)}
    reason = str(facts.get("reason", ""))
    return TraceEntry(
        kind="line", what=line.event, from_us=line.at_us, tenant_id="", person="", facts=facts, outcome=line.level, reason=reason
    )
