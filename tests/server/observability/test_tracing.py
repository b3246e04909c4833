"""Spans: which trace they join, and what they tell."""

import io
from collections.abc import Callable
from importlib.util import find_spec

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.observability.call_log import CallLog
from server.observability.telemetry import Telemetry
from server.observability.trace_context import Tracing, carrier_of, trace_id_of
from server.observability.trace_export import start_trace_export
from tests.server.observability.calls import Rows, record

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def test_the_trace_of_the_request_body_wins_over_the_header() -> None:
    """MCP 2026-07-28: W3C trace context travels in `_meta`."""
    assert carrier_of({"traceparent": TRACEPARENT}, {"traceparent": f"00-{'c' * 32}-{'b' * 16}-01"})["traceparent"] == TRACEPARENT


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
    ],
)
def test_a_malformed_traceparent_starts_a_new_trace(traceparent: str) -> None:
    """W3C Trace Context §3.2.2: an invalid traceparent is ignored."""
    trace_id = trace_id_of(carrier_of({"traceparent": traceparent}, {}))
    assert len(trace_id) == 32
    assert trace_id not in traceparent
    assert carrier_of({"traceparent": 7}, {"traceparent": TRACEPARENT})["traceparent"] == TRACEPARENT


def finished_spans(run: Callable[[Tracing], None]) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run(Tracing(provider))
    return list(exporter.get_finished_spans())


def test_a_call_is_one_span_with_the_facts_of_its_row() -> None:
    """Issue 2, 8: one row, one log line, one span, all under the caller's trace id."""

    def run(tracing: Tracing) -> None:
        with tracing.call("call_api", "2026-07-28", {"traceparent": TRACEPARENT}) as span:
            assert span.trace_id == "a" * 32
            CallLog(Rows(), Telemetry(), tracing).record(record(error_code="upstream_timeout"))
            span.failed("upstream_timeout")

    (span,) = finished_spans(run)
    attributes = span.attributes or {}
    assert (span.name, attributes["ascend.operation"]) == ("tools/call call_api", "crm.contacts.search")
    assert (attributes["error.type"], span.status.is_ok) == ("upstream_timeout", False)
    assert span.parent is not None


def test_each_step_of_a_batch_is_a_span_under_the_batch() -> None:
    """A plan shows where its time went."""

    def run(tracing: Tracing) -> None:
        with tracing.call("batch_execute", "2026-07-28", {}):
            log = CallLog(Rows(), Telemetry(), tracing)
            log.record(record(tool="batch_execute", operation="crm.contacts.search"))
            log.record(record(tool="batch_execute", operation="crm.deals.list", error_code="upstream_error"))
            log.record(record(tool="batch_execute", operation="batch_execute"))

    first, second, batch = finished_spans(run)
    assert [span.name for span in (first, second, batch)] == [
        "operation crm.contacts.search",
        "operation crm.deals.list",
        "tools/call batch_execute",
    ]
    assert first.parent is not None
    assert first.parent.span_id == batch.context.span_id
    assert not second.status.is_ok


def test_without_a_collector_nothing_is_exported() -> None:
    """The OpenTelemetry SDK is an extra; nothing leaves the process unless the operator names a collector."""
    start_trace_export({})()
    with Tracing().call("call_api", "2026-07-28", {}) as span:
        assert span.span is None


def test_a_collector_without_the_extra_is_a_warning_and_no_failure(log: io.StringIO) -> None:
    """The gateway starts without the `telemetry` extra."""
    if find_spec("opentelemetry.exporter") is not None:
        pytest.skip("an OpenTelemetry exporter is installed here")
    start_trace_export({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})()
    assert orjson.loads(log.getvalue())["event"] == "trace_export_unavailable"
