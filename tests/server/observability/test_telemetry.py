"""Log lines, metrics, call rows, health, traces."""

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

import anyio
import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.config import load
from server.observability.call_log import BATCH_ROWS, CallLog
from server.observability.health import Health, MetricsReaders
from server.observability.log_lines import EventFormatter, EventHandler, configure_logging, redact
from server.observability.telemetry import Telemetry, about, of_its_own
from server.observability.trace_context import Tracing, carrier_of, trace_id_of
from server.observability.trace_export import start_trace_export
from tools.stores import CallRecord


def record(tool: str = "call_api", operation: str = "crm.contacts.search", error_code: str | None = None) -> CallRecord:
    return CallRecord("default", tool, operation, "access_token", 12.3456, error_code is None, error_code, "t" * 32, "ada", "client-1", 1)


class Rows:
    """A call record store in memory that can refuse."""

    def __init__(self) -> None:
        self.batches: list[list[CallRecord]] = []
        self.is_broken = False

    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        if self.is_broken:
            raise OSError("disk is full")
        self.batches.append(list(records))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("json", stream=stream)
    yield stream
    root.handlers = before
    root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("POST /token?code=SplxlOBeZQQYbYS6WxSbIA&state=1", "SplxlOBeZQQYbYS6WxSbIA"),
        ('{"refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA"}', "tGzv3JOkF0XG5Qx2TlKWIA"),
        ("{'client_secret': 'gX1fBat3bV'}", "gX1fBat3bV"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2lnbmF0dXJl", "eyJpc3MiOiJqb2UifQ"),
        ("operation asc_at_uxXV3mUSo-IEBegRF842ujNNZZnVtcUP", "uxXV3mUSo"),
        ("postgresql://ascend:hunter2@db/ascend", "hunter2"),
    ],
)
def test_a_secret_never_reaches_the_log(text: str, gone: str) -> None:
    """shared/design: nothing secret in logs."""
    assert gone not in redact(text)
    assert "[redacted]" in redact(text)


def test_a_call_leaves_one_json_line_without_arguments(log: io.StringIO) -> None:
    """Issue 2, 8: one row, one log line, one span."""
    Telemetry().called([record()])
    (line,) = [orjson.loads(line) for line in log.getvalue().splitlines()]
    assert line["event"] == "operation_called"
    assert (line["operation"], line["tool"], line["tenant"], line["outcome"]) == ("crm.contacts.search", "call_api", "default", "ok")
    assert line["duration_ms"] == 12.35


def test_a_client_cannot_forge_a_log_line() -> None:
    """One event is one line, whatever a client put into a name."""
    made = logging.LogRecord("x", logging.INFO, "", 0, "operation_called", (), None)
    made.facts = {"tool": 'a\nINFO forged="1"', "empty": ""}
    line = EventFormatter(as_json=False).format(made)
    assert "\n" not in line
    assert 'empty=""' in line


def test_a_traceback_is_logged_without_its_secrets() -> None:
    """Unknown failures are logged with their stack, redacted."""
    try:
        raise RuntimeError("refused token=abc123secret")
    except RuntimeError as error:
        made = logging.LogRecord("x", logging.ERROR, "", 0, "internal_error", (), (type(error), error, error.__traceback__))
    for as_json in (True, False):
        line = EventFormatter(as_json=as_json).format(made)
        assert "RuntimeError" in line
        assert "abc123secret" not in line


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_token_pasted_as_an_operation_id_is_redacted_in_the_call_line(log_format: str) -> None:
    """The operation id is whatever a client sent."""
    stream = io.StringIO()
    handler = EventHandler(stream, as_json=log_format == "json")
    calls = [record(operation=odd) for odd in ("asc_at_uxXV3mUSo-IEBegRF842ujNNZZnVtcUP", "a\nb", "Bearer abcdefgh12345678")]
    handler.write_batch("operation_called", [(1.5, about(call), of_its_own(call)) for call in calls])
    assert len(stream.getvalue().splitlines()) == 3
    assert "uxXV3mUSo" not in stream.getvalue()
    assert "abcdefgh12345678" not in stream.getvalue()
    assert "1970-01-01T00:00:01.500Z" in stream.getvalue()


async def test_a_store_that_hangs_does_not_hold_up_the_log(log: io.StringIO) -> None:
    """The log line is there while the row waits."""

    class Hanging(Rows):
        async def append_calls(self, records: Sequence[CallRecord]) -> None:
            await anyio.sleep_forever()

    call_log = CallLog(Hanging(), Telemetry(), interval_s=0.01)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(call_log.run)
            for expected in (1, 2):
                call_log.record(record())
                while log.getvalue().count("operation_called") < expected:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()


def test_calls_are_counted_by_tool_and_error_with_bounded_labels() -> None:
    """Labels never carry operations or tenants: their number has no bound."""
    telemetry = Telemetry()
    telemetry.called([record(), record(error_code="upstream_timeout"), record(tool="crm.contacts.search")])
    telemetry.called([record(tool=f"invented{number}", error_code="unknown_operation") for number in range(20)])
    text = telemetry.exposition().decode()
    assert 'ascend_calls_total{error_code="",tool="call_api"} 1.0' in text
    assert 'ascend_calls_total{error_code="upstream_timeout",tool="call_api"} 1.0' in text
    assert 'ascend_call_duration_seconds_count{tool="operation"} 21.0' in text
    assert "crm.contacts.search" not in text
    assert "invented" not in text


async def test_rows_are_written_in_batches_and_flushed_at_shutdown() -> None:
    """Issue 2, 8: batch-written; a stopped gateway loses no row."""
    rows = Rows()
    call_log = CallLog(rows, Telemetry(), interval_s=3600)
    async with anyio.create_task_group() as group:
        group.start_soon(call_log.run)
        await anyio.lowlevel.checkpoint()
        for _ in range(BATCH_ROWS + 200):
            call_log.record(record())
        group.cancel_scope.cancel()
    assert [len(batch) for batch in rows.batches] == [BATCH_ROWS, 200]


async def test_rows_that_the_store_refuses_are_kept_in_order() -> None:
    """A full disk must not lose the audit."""
    rows = Rows()
    call_log = CallLog(rows, Telemetry())
    for operation in ("first", "second"):
        call_log.record(record(operation=operation))
    rows.is_broken = True
    await call_log.flush()
    rows.is_broken = False
    await call_log.flush()
    assert [row.operation for row in rows.batches[0]] == ["first", "second"]


async def test_a_full_queue_drops_new_rows_and_says_how_many(log: io.StringIO) -> None:
    """Dropped rows are counted and logged; calls are never slowed down."""
    rows, telemetry = Rows(), Telemetry()
    call_log = CallLog(rows, telemetry, capacity=2)
    for _ in range(5):
        call_log.record(record())
    await call_log.flush()
    assert len(rows.batches[0]) == 2
    assert "ascend_call_rows_dropped_total 3.0" in telemetry.exposition().decode()
    (line,) = [line for line in map(orjson.loads, log.getvalue().splitlines()) if line["event"] == "call_rows_dropped"]
    assert (line["rows"], line["capacity"]) == (3, 2)


def test_readiness_names_the_dependency_that_fails() -> None:
    """Contract /readyz: readiness per dependency, nothing of their addresses."""

    async def up() -> None:
        return None

    async def building() -> str:
        return "index is loading"

    async def broken() -> None:
        raise OSError("could not connect to db.internal:5432")

    health = Health(Telemetry(), {"store": broken, "index": building, "keys": up}, MetricsReaders(load(None, {})))
    with TestClient(Starlette(routes=[*health.routes()]), client=("127.0.0.1", 1)) as http:
        response = http.get("/readyz")
        assert response.status_code == 503
        assert response.json() == {"status": "not ready", "checks": {"store": "failed", "index": "index is loading", "keys": "ok"}}
        assert http.get("/healthz").json() == {"status": "ok"}
        assert http.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "ascend_call_rows_waiting" in http.get("/metrics").text


def test_readiness_is_ok_when_every_dependency_is() -> None:
    """Contract /readyz."""

    async def up() -> None:
        return None

    with TestClient(Starlette(routes=[*Health(Telemetry(), {"store": up}, MetricsReaders(load(None, {}))).routes()])) as http:
        assert http.get("/readyz").json() == {"status": "ready", "checks": {"store": "ok"}}


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
