"""Windows of UTC."""

from datetime import UTC, datetime

import pytest

from tools.metering.rules import Window
from tools.metering.windows import bounds_us


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("window", "at", "start", "end"),
    [
        ("minute", "2026-02-28T23:59:59", "2026-02-28T23:59:00", "2026-03-01T00:00:00"),
        ("hour", "2026-02-28T23:59:59", "2026-02-28T23:00:00", "2026-03-01T00:00:00"),
        ("day", "2028-02-29T00:00:00", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("month", "2026-02-01T00:00:00", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
    ],
)
def test_a_window_begins_and_ends_by_utc(window: Window, at: str, start: str, end: str) -> None:
    assert bounds_us(window, us(at)) == (us(start), us(end))
    assert bounds_us(window, us(end))[0] == us(end)


def test_total_never_ends() -> None:
    assert bounds_us("total", us("2026-02-01T00:00:00")) == (0, None)
