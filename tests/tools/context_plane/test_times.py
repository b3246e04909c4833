"""Times are moments: to the microsecond, with an offset, or days in UTC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.context_plane.times import BadTime, time_text, time_us


@given(st.integers(-(10**15), 10**16))
def test_a_moment_comes_back_from_its_text(us: int) -> None:
    assert time_us(time_text(us) or "") == us


def test_a_day_begins_at_midnight_in_utc() -> None:
    assert time_us("2026-02-28") == time_us("2026-02-28T00:00:00Z") == time_us("2026-02-28T01:00:00+01:00")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-02-28T09:00:00", "2026-13-01", "1e9", "2026-02-28T25:00:00Z", "²026-02-28"]
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadTime, match=r"2026|offset"):
        time_us(text)


def test_an_open_side_stays_open() -> None:
    assert time_text(None) is None
