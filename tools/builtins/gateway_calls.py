"""gateway.calls.recent and gateway.calls.summary: what this person's agents did."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction
from tools.stores import CallHistory, CallRecord

LIMIT = 20
SUMMARY_CALLS = 1_000


class RecentCalls:
    """Lists the caller's own last calls; arguments and results are not on record."""

    def __init__(self, history: CallHistory) -> None:
        self._history = history

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        records = await self._history.recent(call.principal, given.get("limit", LIMIT), failures_only=given.get("failures_only", False))
        return Outcome("ok", data={"calls": [_row(record) for record in records]})

    def function(self) -> BuiltinFunction:
        schema = {
            "type": "object",
            "properties": {
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": LIMIT},
                "failures_only": {"type": "boolean", "default": False},
            },
            "additionalProperties": False,
        }
        return BuiltinFunction("gateway.calls.recent", self, schema, example={"failures_only": True})


class CallSummary:
    """Sums the caller's own last calls up by operation."""

    def __init__(self, history: CallHistory) -> None:
        self._history = history

    async def __call__(self, call: Call) -> Outcome:
        records = await self._history.recent(call.principal, SUMMARY_CALLS)
        by_operation: dict[str, list[CallRecord]] = {}
        for record in records:
            by_operation.setdefault(record.operation, []).append(record)
        rows = [_sum(name, each) for name, each in by_operation.items()]
        rows.sort(key=lambda row: (-row["calls"], row["operation"]))
        since = _time(records[-1].called_at_us) if records else None
        return Outcome("ok", data={"calls": len(records), "since": since, "operations": rows})

    def function(self) -> BuiltinFunction:
        schema = {"type": "object", "properties": {}, "additionalProperties": False}
        return BuiltinFunction("gateway.calls.summary", self, schema, example={})


def _row(record: CallRecord) -> dict[str, Json]:
    return {
        "time": _time(record.called_at_us),
        "operation": record.operation,
        "tool": record.tool,
        "success": record.success,
        "error_code": record.error_code,
        "duration_ms": round(record.duration_ms, 1),
        "client_id": record.client_id,
        "trace_id": record.trace_id,
    }


def _sum(operation: str, records: Sequence[CallRecord]) -> dict[str, Json]:
    durations = sorted(record.duration_ms for record in records)
    return {
        "operation": operation,
        "calls": len(records),
        "failures": sum(not record.success for record in records),
        "median_ms": round(durations[len(durations) // 2], 1),
        "last": _time(records[0].called_at_us),
    }


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).isoformat(timespec="seconds")
