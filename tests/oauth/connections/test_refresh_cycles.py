"""Whole lives of many connections in simulated time: scheduled ahead, spread, never late (issue 6; the full size is a benchmark)."""

from pathlib import Path

import pytest

from benchmarks.refresh_cycles import simulate


@pytest.mark.parametrize(("is_burst", "per_s"), [(False, 1), (True, 1)])
async def test_over_two_whole_lives_no_token_ends_before_it_is_refreshed(tmp_path: Path, is_burst: bool, per_s: int) -> None:
    """Issue 6: ahead by min(600 s, 0.4 × 1800 s) with jitter, each refresh token used once; the room is 1.2 to 6 times the need."""
    done = await simulate(tmp_path, 80, 2.1, per_s, is_burst=is_burst, step_s=10)
    assert (done.late, done.reused, done.states["ready"]) == (0, 0, 80)
    assert done.fewest_for_one >= 2
    assert 600 <= done.lead_s[0] < done.lead_s[1] <= 660
    assert done.slack_s > 300
