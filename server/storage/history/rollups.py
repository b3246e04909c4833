"""Calls summed up as their rows are written: by hour, day, operation and kind of error. Plain arithmetic, no database."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from server.storage.history.tables import BUCKETS, BUCKETS_MS
from tools.always_on import ALWAYS_ON
from tools.metering.percentile import percentile
from tools.stores import CallRecord

HOUR_US, DAY_US = 3_600 * 1_000_000, 24 * 3_600 * 1_000_000
_TOOLS = frozenset(tool.name for tool in ALWAYS_ON)
#: what clients call operations and tools by has no bound, and a rollup must have one
OTHER_TOOL = "operation"
MAX_OPERATION_CHARS = 200
UNKNOWN = "(unknown)"
#: whatever took longer than the last bucket tells is taken for at most this long
_ENDS_MS = (*BUCKETS_MS, 4 * BUCKETS_MS[-1])
_NUMBERS = re.compile(r"[0-9a-f]{8,}|\d+")

#: (hour or day, tenant, tool, code)
SumKey = tuple[int, str, str, str]


@dataclass(slots=True)
class Sum:
    """Calls of one key."""

    error_class: str
    calls: int = 0
    sum_ms: float = 0.0
    max_ms: float = 0.0
    sum_upstream_ms: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, record: CallRecord) -> None:
        self.calls += 1
        self.sum_ms += record.duration_ms
        self.max_ms = max(self.max_ms, record.duration_ms)
        self.sum_upstream_ms += record.upstream_ms or 0.0
        self.buckets[bisect_left(BUCKETS_MS, record.duration_ms)] += 1


@dataclass(slots=True)
class ErrorSum:
    """Failures of one kind, or decisions of one kind about one person."""

    record: CallRecord
    count: int = 0
    first_at: int = 0
    last_at: int = 0
    last_trace_id: str = ""

    def add(self, record: CallRecord) -> None:
        self.count += 1
        self.first_at = min(self.first_at or record.called_at_us, record.called_at_us)
        if record.called_at_us >= self.last_at:
            self.last_at, self.last_trace_id = record.called_at_us, record.trace_id


@dataclass(slots=True)
class Rollups:
    """What a batch of calls adds to each rollup. `operations`: (day, tenant, operation) -> calls, failures."""

    hours: dict[SumKey, Sum] = field(default_factory=dict)
    days: dict[SumKey, Sum] = field(default_factory=dict)
    operations: dict[tuple[int, str, str], list[int]] = field(default_factory=dict)
    errors: dict[str, ErrorSum] = field(default_factory=dict)
    #: what was not let through as it was asked; by hour and person, so that nobody can write one row a call
    decisions: dict[str, ErrorSum] = field(default_factory=dict)


def rollups_of(records: Iterable[CallRecord]) -> Rollups:
    """Sum a batch up."""
    found = Rollups()
    for record in records:
        code = "" if record.success else record.error_code or "error"
        tool = record.tool if record.tool in _TOOLS else OTHER_TOOL
        day = record.called_at_us // DAY_US
        for sums, key in (
            (found.hours, (record.called_at_us // HOUR_US, record.tenant_id, tool, code)),
            (found.days, (day, record.tenant_id, tool, code)),
        ):
            total = sums.get(key)
            if total is None:
                total = sums[key] = Sum(record.error_class)
            total.add(record)
        uses = found.operations.setdefault((day, record.tenant_id, operation_of(record)), [0, 0])
        uses[0] += 1
        if record.success:
            continue
        uses[1] += 1
        _add_to(found.errors, fingerprint(record, code), record)
        if record.error_class == "setup":
            _add_to(found.decisions, decision_id(record, code), record)
    return found


def _add_to(sums: dict[str, ErrorSum], key: str, record: CallRecord) -> None:
    if key not in sums:
        sums[key] = ErrorSum(record)
    sums[key].add(record)


def operation_of(record: CallRecord) -> str:
    """Return what a call is summed up under: names that clients invent have no bound."""
    return UNKNOWN if record.error_code == "unknown_operation" else record.operation[:MAX_OPERATION_CHARS]


def fingerprint(record: CallRecord, code: str) -> str:
    """Return what failures of one kind have in common: numbers in a reason tell one call from another, not one kind."""
    operation = operation_of(record)
    # A caller's mistakes may have as many words as there are callers: they are one kind for each code.
    reason = "" if record.error_class == "caller" else _NUMBERS.sub("#", record.reason)
    return _hash_of(record.tenant_id, operation, code, reason)


def decision_id(record: CallRecord, code: str) -> str:
    """Return what decisions have in common that are one row of the decision log."""
    hour = str(record.called_at_us // HOUR_US)
    return _hash_of(hour, record.tenant_id, record.subject, operation_of(record), code)


def _hash_of(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode(errors="replace")).hexdigest()[:32]


def percentile_ms(buckets: list[int], share: float) -> float | None:
    """Return the duration below which `share` of the calls stay; None: there were none."""
    return percentile(buckets, _ENDS_MS, share)
