"""Whole lives of many connections in simulated time: scheduled ahead, spread, never late (issue 6; the full size is a benchmark)."""

from pathlib import Path

import pytest

from benchmarks.refresh_cycles import simulate
from tests.empty_store import put_empty_store


@pytest.mark.parametrize("is_burst", [False, True])
async def test_over_two_whole_lives_no_token_ends_before_it_is_refreshed(tmp_path: Path, is_burst: bool) -> None:
    """Issue 6: ahead by min(600 s, 0.4 × 1800 s) with jitter, each refresh token used once; the room is 1.2 to 6 times the need."""
    put_empty_store(tmp_path / "store.sqlite3")
    done = await simulate(tmp_path, 30, 2.1, 0.4, is_burst=is_burst, step_s=10)
    assert (done.late, done.reused, done.states["ready"]) == (0, 0, 30)
    assert done.fewest_for_one >= 2
    assert 600 <= done.lead_s[0] < done.lead_s[1] <= 660
    assert done.slack_s > 300
