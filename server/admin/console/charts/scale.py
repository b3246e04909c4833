"""Where an axis ends, and which moments stand below it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from server.storage.history.trends import Steps

DAY_US = 86_400 * 1_000_000
#: as people count
_NICE = (1, 2, 2.5, 5, 10)
MAX_MOMENTS = 6
_HOUR_US = 3_600 * 1_000_000
_PERIODS_US = (
    _HOUR_US // 4,
    _HOUR_US // 2,
    _HOUR_US,
    3 * _HOUR_US,
    6 * _HOUR_US,
    12 * _HOUR_US,
    DAY_US,
    2 * DAY_US,
    7 * DAY_US,
    14 * DAY_US,
)


def top_of(most: float) -> float:
    """Return a number that people count to, at or above `most`, for the upper end of an axis; half of it is one too."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(each * power for each in _NICE if each * power >= most * (1 - 1e-9))


def marks(steps: Steps) -> Sequence[int]:
    """Return at most MAX_MOMENTS steps that get words below the axis: those that begin at even times, as people count them."""
    count = len(steps.moments)
    length = count * steps.step_us
    period = next((each for each in _PERIODS_US if each >= steps.step_us and length / each <= MAX_MOMENTS), length)
    if steps.step_us > DAY_US:
        return range(0, count, -(-count // MAX_MOMENTS))
    return [place for place, moment in enumerate(steps.moments) if moment % period == 0]


def moment_words(steps: Steps, place: int, *, is_whole: bool = False) -> str:
    """Return when a step begins, in UTC; only as much of it as tells the steps apart, or all of it."""
    at = datetime.fromtimestamp(steps.moments[place] / 1_000_000, UTC)
    date = f"{at.day} {at:%b}"
    if steps.step_us % DAY_US == 0:
        return f"{date} {at.year}" if is_whole else date
    if is_whole:
        return f"{date} {at:%H:%M} UTC"
    return f"{at:%H:%M}" if steps.to_us - steps.from_us <= 2 * DAY_US else date


def step_words(steps: Steps) -> str:
    """Return how long a step is."""
    for unit_us, one in ((7 * DAY_US, "week"), (DAY_US, "day"), (3_600_000_000, "hour"), (60_000_000, "minute")):
        if steps.step_us % unit_us == 0:
            count = steps.step_us // unit_us
            return f"by the {one}" if count == 1 else f"every {count} {one}s"
    return ""
