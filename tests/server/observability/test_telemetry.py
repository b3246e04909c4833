"""Log lines, metrics, call rows, health, traces."""

import io
import logging
from collections.abc import Sequence

import anyio
import orjson
import pytest

from server.observability.call_log import BATCH_ROWS, CallLog
from server.observability.log_lines import EventFormatter, EventHandler
from server.observability.telemetry import Telemetry, about, of_its_own
from tests.server.observability.calls import Rows, record
from tools.stores import CallRecord
from tools.text.secrets_in_text import redact


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


async def test_a_row_that_no_store_takes_holds_up_no_other(log: io.StringIO) -> None:
    """Whatever is wrong with it: those before and behind it are written, and it is counted."""

    class Picky(Rows):
        async def append_calls(self, records: Sequence[CallRecord]) -> None:
            if any(each.operation == "odd" for each in records):
                raise TypeError("str is not valid UTF-8")
            await super().append_calls(records)

    rows, telemetry = Picky(), Telemetry()
    call_log = CallLog(rows, telemetry)
    for operation in ("first", "odd", "last"):
        call_log.record(record(operation=operation))
    await call_log.flush()
    assert [row.operation for batch in rows.batches for row in batch] == ["first", "last"]
    assert "ascend_call_rows_dropped_total 1.0" in telemetry.exposition().decode()
    assert "call_row_dropped" in log.getvalue()


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
