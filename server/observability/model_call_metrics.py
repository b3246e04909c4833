"""Metrics of model calls, fed by the ledger when a call is closed (OpenTelemetry GenAI conventions where they have a name).

Labels never carry tenants, keys or users. Models are what callers name within their allow-list, so their number has a bound here.
"""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.metering.money import to_usd

#: models told apart; the rest is one
MAX_MODELS = 200
OTHER = "other"
#: as the conventions advise
DURATION_BUCKETS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)
_GEN_AI = ["gen_ai_provider_name", "gen_ai_request_model"]


class ModelCallMetrics:
    """A LedgerWatcher."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "ascend_ai_calls",
            "Model calls by the model that answered or was tried last",
            ["provider", "model", "outcome", "cache"],
            registry=registry,
        )
        self._cost = Counter("ascend_ai_cost_usd", "What model calls cost, in dollars", ["provider", "model"], registry=registry)
        self._unpriced = Counter("ascend_ai_unpriced", "Model calls whose price nobody knows", ["provider", "model"], registry=registry)
        self._duration = Histogram(
            "gen_ai_client_operation_duration",
            "How long model calls took, in seconds",
            [*_GEN_AI, "error_type"],
            buckets=DURATION_BUCKETS_S,
            registry=registry,
        )
        self._tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of model calls",
            [*_GEN_AI, "gen_ai_token_type"],
            buckets=TOKEN_BUCKETS,
            registry=registry,
        )
        self._dropped = Counter(
            "ascend_ai_call_rows_dropped", "Rows of model calls lost because the store did not keep up", registry=registry
        )
        self._fallbacks = Counter("ascend_ai_fallbacks", "Model calls that another target answered than the first", registry=registry)
        #: model calls that were answered, and those of them by a fallback, since the start
        self.answered, self.fallen_back = 0, 0
        self._models: set[tuple[str, str]] = set()
        #: label lookups cost more than the increments
        self._kinds: dict[tuple[str, str, str, str], _Kind] = {}

    def closed(self, record: ModelCallRecord) -> None:
        provider, model = self._told_apart(record)
        labels = (provider, model, record.outcome, record.cache)
        kind = self._kinds.get(labels)
        if kind is None:
            kind = self._kinds[labels] = self._kind(*labels)
        kind.calls.inc()
        kind.duration.observe(record.ms / 1_000)
        if record.outcome == "error":
            return
        self._count_fallback(record)
        kind.input_tokens.observe(record.usage.input_tokens)
        kind.output_tokens.observe(record.usage.output_tokens)
        if record.cost_nano_usd is None:
            self._unpriced.labels(provider, model).inc()
        else:
            self._cost.labels(provider, model).inc(to_usd(record.cost_nano_usd))

    def _count_fallback(self, record: ModelCallRecord) -> None:
        """An answer that was kept came from no target."""
        if record.attempts:
            self.answered += 1
            if record.attempts[0].model != record.attempts[-1].model:
                self.fallen_back += 1
                self._fallbacks.inc()

    def dropped(self, rows: int) -> None:
        self._dropped.inc(rows)

    def _kind(self, provider: str, model: str, outcome: str, cache: str) -> "_Kind":
        return _Kind(
            calls=self._calls.labels(provider, model, outcome, cache),
            duration=self._duration.labels(provider, model, "" if outcome == "ok" else outcome),
            input_tokens=self._tokens.labels(provider, model, "input"),
            output_tokens=self._tokens.labels(provider, model, "output"),
        )

    def _told_apart(self, record: ModelCallRecord) -> tuple[str, str]:
        known = (record.provider, record.model)
        if known not in self._models:
            # A model that no provider answered for is a name that somebody made up.
            if len(self._models) >= MAX_MODELS or record.outcome != "ok":
                return record.provider, OTHER
            self._models.add(known)
        return known


@dataclass(frozen=True, slots=True)
class _Kind:
    """The series of calls that have all labels in common."""

    calls: Counter
    duration: Histogram
    input_tokens: Histogram
    output_tokens: Histogram
