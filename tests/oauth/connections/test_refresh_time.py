"""When a refresh is due, and when it is tried again."""

import random

import pytest

from oauth.connections.refresh_time import refresh_due_at, retry_at


@pytest.mark.parametrize(("ttl_s", "earliest", "latest"), [(3600, 2940, 3000), (1800, 1140, 1200), (300, 165, 180), (60, 33, 36)])
def test_a_refresh_is_due_ten_minutes_ahead_or_at_six_tenths_of_a_short_life(ttl_s: float, earliest: float, latest: float) -> None:
    """Issue 6: ahead of expiry by min(600 s, 0.4 × lifetime) with jitter."""
    times = [refresh_due_at(0, ttl_s, random.Random(seed)) for seed in range(200)]
    assert earliest <= min(times) < max(times) <= latest


def test_failures_wait_longer_each_time_and_respect_the_provider() -> None:
    """facts/oauth.md §3.3 step 6: 5 s doubled, 5 min at most, Retry-After."""
    waits = [retry_at(0, count, None, random.Random(1)) for count in (1, 2, 3, 12)]
    assert 5 <= waits[0] < waits[1] < waits[2] < 26
    assert 300 <= waits[3] <= 375
    assert 600 <= retry_at(0, 1, 600, random.Random(1)) <= 750
