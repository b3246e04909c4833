"""Between a model call's record and its row. What callers and providers say is cut to what both databases take."""

from typing import Any

import orjson
from sqlalchemy import Row

from tools.ai_gateway.payloads.call_payload import CallPayload
from tools.ai_gateway.records.call_record import ModelCallRecord, TargetAttempt
from tools.ai_gateway.token_usage import TokenUsage
from tools.metering.spending import MOST_OF_A_CALL

MAX_TEXT_CHARS = 500
MAX_METADATA_BYTES = 8_000


def call_values(record: ModelCallRecord) -> dict[str, object]:
    """Return the row of a record; one that a database would refuse would hold up all others for ever."""
    usage, metadata = record.usage, orjson.dumps(record.metadata)
    return {
        "tenant_id": record.tenant_id,
        "call_id": record.id,
        "at": record.at_us,
        "gateway": _text(record.gateway),
        "key_id": record.key_id[:64],
        "user": _text(record.user),
        "route": _text(record.route),
        "requested": _text(record.requested),
        "provider": _text(record.provider),
        "model": _text(record.model),
        "status": record.status,
        "outcome": record.outcome,
        "is_stream": record.is_stream,
        "attempts": orjson.dumps([[_text(a.model), a.status, _text(a.error), a.ms] for a in record.attempts]).decode(),
        "cache": record.cache,
        "experiment": _text(record.experiment),
        "input_tokens": _tokens(usage.input_tokens),
        "cached_input_tokens": _tokens(usage.cached_input_tokens),
        "cache_write_tokens": _tokens(usage.cache_write_tokens),
        "cache_write_1h_tokens": _tokens(usage.cache_write_1h_tokens),
        "output_tokens": _tokens(usage.output_tokens),
        "reasoning_tokens": _tokens(usage.reasoning_tokens),
        "is_estimated": usage.is_estimated,
        "cost_nano_usd": None if record.cost_nano_usd is None else min(record.cost_nano_usd, MOST_OF_A_CALL.nano_usd),
        "price_from": _text(record.price_from),
        "ttft_ms": record.ttft_ms,
        "ms": record.ms,
        "overhead_ms": record.overhead_ms,
        "metadata": metadata.decode() if len(metadata) <= MAX_METADATA_BYTES else "{}",
        "trace_id": record.trace_id[:64],
        "decision": orjson.dumps([_text(each) for each in record.decision]).decode(),
    }


def call_of(row: Row[Any]) -> ModelCallRecord:
    return ModelCallRecord(
        id=row.call_id,
        at_us=row.at,
        tenant_id=row.tenant_id,
        gateway=row.gateway,
        key_id=row.key_id,
        user=row.user,
        route=row.route,
        requested=row.requested,
        provider=row.provider,
        model=row.model,
        status=row.status,
        outcome=row.outcome,
        is_stream=row.is_stream,
        attempts=tuple(TargetAttempt(*each) for each in orjson.loads(row.attempts)),
        cache=row.cache,
        experiment=row.experiment,
        usage=TokenUsage(
            input_tokens=row.input_tokens,
            cached_input_tokens=row.cached_input_tokens,
            cache_write_tokens=row.cache_write_tokens,
            cache_write_1h_tokens=row.cache_write_1h_tokens,
            output_tokens=row.output_tokens,
            reasoning_tokens=row.reasoning_tokens,
            is_estimated=row.is_estimated,
        ),
        cost_nano_usd=row.cost_nano_usd,
        price_from=row.price_from,
        ttft_ms=row.ttft_ms,
        ms=row.ms,
        overhead_ms=row.overhead_ms,
        metadata=orjson.loads(row.metadata),
        trace_id=row.trace_id,
        decision=tuple(orjson.loads(row.decision)),
        payload=None if row.request is None else CallPayload(row.request, row.answer),
    )


def _text(text: str) -> str:
    if text.isascii() and text.isprintable() and len(text) <= MAX_TEXT_CHARS:
        return text
    # PostgreSQL has no text with a zero in it, UTF-8 no half of a surrogate pair.
    return text[:MAX_TEXT_CHARS].encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _tokens(tokens: int) -> int:
    return max(0, min(tokens, MOST_OF_A_CALL.tokens))
