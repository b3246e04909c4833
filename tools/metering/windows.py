"""Windows of time in which budgets and limits count; all of UTC, so that every process and node means the same one."""

from datetime import UTC, datetime

from tools.metering.rules import Window

WINDOW_S = {"minute": 60, "hour": 3_600, "day": 86_400}


def bounds_us(window: Window, at_us: int) -> tuple[int, int | None]:
    """Return where the window of `at_us` begins and where the next one does (None: never), in microseconds since the epoch."""
    if window == "total":
        return 0, None
    if window == "month":
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
        start = datetime(at.year, at.month, 1, tzinfo=UTC)
        end = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
        return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000
    length_us = WINDOW_S[window] * 1_000_000
    start_us = at_us - at_us % length_us
    return start_us, start_us + length_us
