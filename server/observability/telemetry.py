"""What operators see of calls: one log line each, and the metrics at `/metrics`."""

import logging
from collections import Counter as Counts
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from server.observability.call_overhead import CallOverhead
from server.observability.log_lines import EventHandler, Facts
from tools.always_on import ALWAYS_ON
from tools.stores import CallRecord

logger = logging.getLogger("ascend.calls")

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TOOLS = frozenset(tool.name for tool in ALWAYS_ON)
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class Telemetry:
    """Counts and logs calls. Owns its registry, so that two gateways in one process (tests) do not share figures.

    Labels never carry tenants, subjects or operations: their number has no bound.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Gauge("ascend_workers", "Worker processes that answered when this was asked", registry=self.registry).set(1)
        self._calls = Counter("ascend_calls", "Calls by tool and error code (empty: none)", ["tool", "error_code"], registry=self.registry)
        self._duration = Histogram(
            "ascend_call_duration_seconds", "How long calls took", ["tool"], buckets=BUCKETS_S, registry=self.registry
        )
        self.call_rows_dropped = Counter(
            "ascend_call_rows_dropped", "Call records lost because the store did not keep up", registry=self.registry
        )
        self.call_rows_waiting = Gauge("ascend_call_rows_waiting", "Call records not yet written", registry=self.registry)
        self.overhead = CallOverhead()
        self.registry.register(self.overhead)
        #: label lookups cost more than the increments
        self._calls_by_labels: dict[tuple[str, str], Counter] = {}
        self._duration_by_tool: dict[str, Histogram] = {}

    def called(self, records: Sequence[CallRecord]) -> None:
        """Count and log calls; in batches, so that a call does not wait for its own bookkeeping."""
        self.overhead.add(records)
        counts: Counts[tuple[str, str]] = Counts()
        for record in records:
            # Every other name that a client calls by, an operation's or an invented one, is counted as one kind: they have no bound.
            tool = record.tool if record.tool in _TOOLS else "operation"
            counts[tool, record.error_code or ""] += 1
            histogram = self._duration_by_tool.get(tool)
            if histogram is None:
                histogram = self._duration_by_tool[tool] = self._duration.labels(tool)
            histogram.observe(record.duration_ms / 1_000)
        for labels, count in counts.items():
            counter = self._calls_by_labels.get(labels)
            if counter is None:
                counter = self._calls_by_labels[labels] = self._calls.labels(*labels)
            counter.inc(count)
        if logger.isEnabledFor(logging.INFO):
            _log(records)

    @property
    def dropped(self) -> float:
        """How many call records were lost since the start."""
        return sum(
            sample.value for metric in self.call_rows_dropped.collect() for sample in metric.samples if sample.name.endswith("_total")
        )

    def exposition(self) -> bytes:
        """Return the metrics in the Prometheus text format."""
        return generate_latest(self.registry)


def _log(records: Sequence[CallRecord]) -> None:
    handlers = logging.getLogger().handlers
    if logger.handlers or not all(isinstance(handler, EventHandler) for handler in handlers):
        # Somebody else listens (a test, an embedding application): the ordinary way reaches everyone.
        for record in records:
            logger.info("operation_called", extra={"facts": facts_of(record)})
        return
    batch = [(record.called_at_us / 1_000_000, about(record), of_its_own(record)) for record in records]
    for handler in handlers:
        assert isinstance(handler, EventHandler)
        handler.write_batch("operation_called", batch)


def facts_of(record: CallRecord) -> dict[str, object]:
    """Return what the log line of a call says: the row, without anything a caller sent as argument or got as result."""
    return {**dict(about(record)), **of_its_own(record)}


def about(record: CallRecord) -> Facts:
    """Return what many calls have in common."""
    return (
        ("operation", record.operation),
        ("tool", record.tool),
        ("tenant", record.tenant_id),
        ("subject", record.subject),
        ("client", record.client_id),
        ("auth_method", record.auth_method),
        ("outcome", "ok" if record.success else record.error_code or "error"),
    )


def of_its_own(record: CallRecord) -> dict[str, object]:
    """Return what is of one call only."""
    own: dict[str, object] = {"duration_ms": round(record.duration_ms, 2), "trace_id": record.trace_id}
    if record.upstream_ms is not None:
        own["upstream_ms"] = round(record.upstream_ms, 2)
    if not record.success:
        own |= {"class": record.error_class, "reason": record.reason}
    return own
