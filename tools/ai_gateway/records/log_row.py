"""A call as people and programs read it: the log row of the contract."""

from datetime import UTC, datetime

from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.metering.money import to_usd
from tools.operation import Json


def log_row(record: ModelCallRecord) -> dict[str, Json]:
    """Return the row with the contract's names; times are ISO 8601 in UTC to the microsecond, so that text sorts as time does."""
    usage = record.usage
    return {
        "id": record.id,
        "at": datetime.fromtimestamp(record.at_us / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "tenant": record.tenant_id,
        "gateway": record.gateway,
        "key_id": record.key_id,
        "user": record.user,
        "route": record.route,
        "requested": record.requested,
        "provider": record.provider,
        "model": record.model,
        "status": record.status,
        "outcome": record.outcome,
        "stream": record.is_stream,
        "attempts": [
            {"model": each.model, "status": each.status, "error": each.error, "ms": round(each.ms, 1)} for each in record.attempts
        ],
        "cache": record.cache,
        "experiment": record.experiment,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "estimated": usage.is_estimated,
        "cost_usd": None if record.cost_nano_usd is None else to_usd(record.cost_nano_usd),
        "price_from": record.price_from or None,
        "ttft_ms": record.ttft_ms,
        "ms": record.ms,
        "overhead_ms": record.overhead_ms,
        "metadata": dict(record.metadata),
        "trace_id": record.trace_id,
        "decision": list(record.decision),
        "payload": None if record.payload is None else {"request": record.payload.request, "answer": record.payload.answer},
    }
