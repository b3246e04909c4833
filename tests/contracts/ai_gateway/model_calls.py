"""Records of model calls for the contracts."""

import secrets
from dataclasses import replace

from tools.ai_gateway.records.call_record import ModelCallRecord, TargetAttempt
from tools.ai_gateway.token_usage import TokenUsage

_CALL = ModelCallRecord(
    id="",
    at_us=1_795_780_800_000_000,
    tenant_id="acme",
    gateway="agents",
    key_id="key_1",
    user="ada@acme.test",
    route="bulk",
    requested="bulk",
    provider="openai",
    model="m",
    status=200,
    outcome="ok",
    is_stream=True,
    attempts=(TargetAttempt("openai/m", 200, "", 12.5),),
    cache="miss",
    experiment="cf/b",
    usage=TokenUsage(100, 20, 10, 5, 40, 8, is_estimated=True),
    cost_nano_usd=1_000,
    price_from="2026-01-01 file",
    ttft_ms=8.5,
    ms=20.5,
    overhead_ms=0.5,
    metadata={"plan": "paid", "team": 7},
    trace_id="trace",
    decision=("route bulk", "first of two"),
)


def call(**given: object) -> ModelCallRecord:
    """Return a call with a fresh id and all fields filled."""
    return replace(_CALL, **{"id": f"mc_{secrets.token_urlsafe(12)}", **given})  # type: ignore[arg-type]


class Unwatched:
    """A LedgerWatcher that remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[ModelCallRecord] = []
        self.rows_dropped = 0

    def closed(self, record: ModelCallRecord) -> None:
        self.seen.append(record)

    def dropped(self, rows: int) -> None:
        self.rows_dropped += rows
