"""The rows that go together: the same bytes each time, by day, and without what looks like a secret."""

import gzip
import json
from typing import Any

import pytest

from server.log_sinks.batch import Batch, packed
from server.storage.history.shipped_rows import ShippedRow


def row(seq: int, day: int = 28, **more: Any) -> ShippedRow:
    return {"time": f"2026-11-{day}T10:00:00.000000Z", "time_us": seq * 10, "seq": seq, "trace_id": "", **more}


def test_the_same_rows_have_the_same_name_and_the_same_bytes() -> None:
    rows = [row(4, reason="it said 503"), row(7)]
    assert Batch("calls", rows).name == "40-4-7"
    assert packed(Batch("calls", rows).as_lines()) == packed(Batch("calls", list(rows)).as_lines())
    assert [json.loads(line)["seq"] for line in gzip.decompress(packed(Batch("calls", rows).as_lines())).splitlines()] == [4, 7]
    assert json.loads(Batch("calls", rows).as_array()) == rows


def test_a_batch_over_midnight_is_two_days_and_loses_nothing() -> None:
    """Rows of two days may stand mixed: each was written some moments after its call."""
    batch = Batch("calls", [row(1, 27), row(2, 28), row(3, 27), row(4, 28)])
    days = [(day, [each["seq"] for each in rows.rows]) for day, rows in batch.by_day()]
    assert days == [("2026-11-27", [1, 3]), ("2026-11-28", [2, 4])]


@pytest.mark.parametrize(
    ("stream", "told", "leaves"),
    [
        ("calls", {"reason": "the upstream said token=abcdefgh12345"}, {"reason": "the upstream said token=[redacted]"}),
        ("calls", {"account": "https://ada:geheim@example.com"}, {"account": "https://[redacted]@example.com"}),
        ("lines", {"facts": {"why": ["Bearer abcdefghijkl"]}}, {"facts": {"why": ["Bearer [redacted]"]}}),
        ("audit", {"details": '{"--to":"asc_at_0123456789abcdefgh"}'}, {"details": '{"--to":"[redacted]"}'}),
    ],
)
def test_what_looks_like_a_secret_does_not_leave(stream: Any, told: dict[str, Any], leaves: dict[str, Any]) -> None:
    """Nothing of that kind should be kept in the first place; and that something was taken out is said."""
    [sent] = Batch(stream, [row(1, **told)]).clean()
    assert sent == row(1, **leaves, is_redacted=True)


@pytest.mark.parametrize(
    "told", [{"error_code": "needs_connection"}, {"details": '{"code":"eu-1","--title":"a b"}'}, {"reason": "no token"}]
)
def test_what_only_has_such_a_name_stays(told: dict[str, Any]) -> None:
    """A trail that lost something for nothing could not be followed."""
    assert Batch("audit", [row(1, **told)]).clean() == [row(1, **told)]
