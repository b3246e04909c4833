"""Everything on record with one trace id, in order: calls, steps of plans, model calls, runs and their steps, changes, lines.

For the page and the command.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from server.admin.nouns.records.calls import Names, call_row, names_of
from server.admin.resource import Row
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.audit.chain import AuditRow
from server.storage.audit.reading import SqlAuditTrail
from server.storage.history.calls import KeptCall, SqlCallHistory
from server.storage.history.event_lines import EventLine, SqlEventLines
from server.storage.oauth.subjects import SqlSubjectStore
from server.storage.workflows.runs.traced_runs import SqlTracedRuns, TracedPart, TracedRun
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.records.log_row import log_row
from tools.dispatch.failure_classes import reason_of
from tools.operation import Failure

EntryKind = Literal["call", "step", "model call", "run", "workflow step", "change", "line"]
#: of calls that went well, of runs and steps that go on, of lines that only tell
_NO_FAILURE = frozenset({"", "ok", "queued", "running", "waiting", "cancelled", "debug", "info"})
#: what is kept of an upstream's failure goes on with its own words
_ANSWERED = re.compile(r"\banswered(?: (\d{3})\b|:)")
#: or consists of them
_SAID_BY_OTHERS = frozenset({"upstream_tool_error", "model_refused"})


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
    def has_failed(self) -> bool:
        """Say whether it went wrong; what goes on has not."""
        return self.outcome not in _NO_FAILURE

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
    runs: SqlTracedRuns

    async def of(self, trace_id: str, tenant_id: str | None = None) -> Sequence[TraceEntry]:
        """Return what there is, in the order in which it began; of a tenant alone where one is named."""
        calls = await self.calls.trace(trace_id, tenant_id)
        runs = await self.runs.of_trace(trace_id, tenant_id)
        whose = {(kept.record.tenant_id, kept.record.subject) for kept in calls} | {(run.tenant_id, run.acts_for) for run in runs}
        names = await names_of(self.subjects, whose)
        entries = [
            *(_call(kept, call_row(kept, names)) for kept in calls),
            *(_model_call(record) for record in await self.model_calls.of_trace(trace_id, tenant_id)),
            *(entry for run in runs for entry in _of_run(run, names)),
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


def _of_run(run: TracedRun, names: Names) -> Iterator[TraceEntry]:
    """Yield a run and its steps: how far each is, and nothing of what it was given or gave."""
    yield _part_of(run, "run", run.whole, {"run_id": run.run_id, "version": run.version, "started_by": run.started_by}, names)
    for step in run.steps:
        yield _part_of(run, "workflow step", step, {"run_id": run.run_id}, names)


def _part_of(run: TracedRun, kind: EntryKind, part: TracedPart, told: Row, names: Names) -> TraceEntry:
    ms = None if part.ended_at_us is None else round(max(0, part.ended_at_us - part.began_at_us) / 1_000, 1)
    outcome, reason = "ok" if part.state == "succeeded" else part.state, ""
    if part.failure is not None:
        # A step that waits to be tried again has failed before, and has not failed yet.
        outcome, reason = part.failure.code if part.state == "failed" else outcome, _words(part.failure)
    facts: Row = {"at": part.began_at_us, "state": part.state, "attempts": part.attempts, "ms": ms, "outcome": outcome, "reason": reason}
    return TraceEntry(
        kind=kind,
        what=part.name,
        from_us=part.began_at_us,
        tenant_id=run.tenant_id,
        person=names.get((run.tenant_id, run.acts_for), run.acts_for),
        facts={**facts, **told},
        outcome=outcome,
        ms=ms,
        reason=reason,
    )


def _words(failure: Failure) -> str:
    """Return why something of a run failed, as it is told of calls: never what an upstream sent."""
    answered = _ANSWERED.search(failure.message)
    if answered or failure.code in _SAID_BY_OTHERS:
        status = answered[1] if answered else None
        failure = replace(failure, upstream={"status": int(status) if status else None})
    return reason_of(failure)


def _change(row: AuditRow) -> TraceEntry:
    facts = {"at": row.at_us, "surface": row.surface, "target": row.target, "details": orjson.loads(row.details or "{}"), "seq": row.seq}
    return TraceEntry(kind="change", what=row.action, from_us=row.at_us, tenant_id=row.tenant_id, person=row.actor, facts=facts)


def _line(line: EventLine) -> TraceEntry:
    facts = {"at": line.at_us, "level": line.level, "logger": line.logger, "node": line.node, **orjson.loads(line.facts)}
    reason = str(facts.get("reason", ""))
    return TraceEntry(
        kind="line", what=line.event, from_us=line.at_us, tenant_id="", person="", facts=facts, outcome=line.level, reason=reason
    )
