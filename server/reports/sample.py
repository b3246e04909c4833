"""Ten calls drawn at random and followed from end to end: whether what should be on record of them is."""

import random
from collections.abc import Callable

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from server.storage.database import now_us
from server.storage.history.calls import CallFilter
from server.storage.history.rollups import HOUR_US, OTHER_TOOL, fingerprint, operation_of
from tools.always_on import ALWAYS_ON
from tools.operation import Json
from tools.stores import CallRecord
from tools.workflows.jobs.report import finding

CALLS = 10
#: times that are tried to find them: most of a month may have had no call
TRIES = 40
_TOOLS = frozenset(tool.name for tool in ALWAYS_ON)


async def sample(sources: Sources, scope: Scope, draw: Callable[[int, int], int] = random.randint) -> Report:
    """Return what was drawn, and every part of its record that is missing. `draw`: a whole number from the first to the second."""
    drawn = await _drawn(sources, scope, draw)
    rows: list[list[Json]] = []
    findings = []
    for record in drawn:
        missing = await _missing(sources, record)
        rows.append(
            [record.operation, record.tenant_id, record.error_code or "ok", round(record.duration_ms, 1), record.trace_id, len(missing)]
        )
        hint = f"ascend trace {record.trace_id}"
        findings += [finding("incomplete", record.operation, each, hint, {"trace_id": record.trace_id}) for each in missing]
    table = Table("Drawn", ("operation", "tenant", "outcome", "ms", "trace", "missing"), rows_of(rows))
    return Report("A sample of calls", (Figure("calls followed", len(drawn)),), (table,), tuple(findings), {"calls": len(drawn)})


async def _drawn(sources: Sources, scope: Scope, draw: Callable[[int, int], int]) -> list[CallRecord]:
    found: dict[int, CallRecord] = {}
    # Times to come would all draw the newest call.
    end_us = min(scope.to_us, now_us())
    for _ in range(TRIES):
        if len(found) == CALLS or scope.from_us >= end_us:
            break
        until = draw(scope.from_us + 1, end_us)
        which = CallFilter(since_us=scope.from_us, until_us=until, tenant_id=scope.tenant_id)
        for kept in await sources.store.calls.calls(which, 1):
            found[kept.seq] = kept.record
    return sorted(found.values(), key=lambda record: record.called_at_us)


async def _missing(sources: Sources, record: CallRecord) -> list[str]:
    """Return what is not on record of a call and should be."""
    missing = []
    hour, tool = record.called_at_us // HOUR_US * HOUR_US, record.tool if record.tool in _TOOLS else OTHER_TOOL
    code = "" if record.success else record.error_code or "error"
    sums = await sources.store.figures.sums(hour, hour, record.tenant_id)
    if not any((each.tool, each.code) == (tool, code) for each in sums):
        missing.append("the sums of its hour do not count it")
    uses = await sources.store.figures.uses(record.called_at_us, record.tenant_id)
    if not any(use.operation == operation_of(record) for use in uses):
        missing.append("the uses of its operation do not count it")
    if not record.success and not await sources.store.figures.has_error(fingerprint(record, code)):
        missing.append("its failure is no kind in the error ledger")
    if not record.success and not record.reason:
        missing.append("it failed and no reason is on record")
    trace = await sources.store.calls.trace(record.trace_id, record.tenant_id)
    if record.step and all(each.record.step for each in trace):
        missing.append("it was a step, and the call that ran the plan is not on record")
    return missing
