"""When an access token is refreshed: well before it ends, not all at the same moment, and not too often after a failure."""

import random

LEAD_S = 600.0
LEAD_SHARE = 0.4
JITTER_S = 60.0
JITTER_SHARE = 0.05
BACKOFF_S = 5.0
BACKOFF_MAX_S = 300.0


def refresh_due_at(now: float, ttl_s: float, dice: random.Random) -> float:
    """Return when a token that lives `ttl_s` from now is refreshed.

    Ten minutes ahead, or 0.4 of a life that is short; the jitter makes it earlier, never later.
    """
    lead = min(LEAD_S, LEAD_SHARE * ttl_s)
    return now + ttl_s - lead - dice.uniform(0, min(JITTER_S, JITTER_SHARE * ttl_s))


def retry_at(now: float, fail_count: int, retry_after_s: float | None, dice: random.Random) -> float:
    """Return when a failed refresh is tried again: 5 s doubled for each failure up to 5 min, or what the provider asks for, with jitter."""
    wait = min(BACKOFF_MAX_S, BACKOFF_S * 2.0 ** min(fail_count - 1, 10))
    if retry_after_s is not None:
        wait = max(wait, min(retry_after_s, 3600.0))
    return now + wait * dice.uniform(1.0, 1.25)
