"""What an answer asks of whoever comes again: a Retry-After, in seconds or as a date (RFC 9110 §10.2.3)."""

import math
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime

#: a number or an HTTP date has fewer
MAX_CHARS = 64


def retry_after_s(said: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After says; None: it says none, or is neither a number nor a date.

    Fractions are read, as some servers send them; what lies in the past is 0.0. `now`: epoch seconds. There is no most of it, and it may
    be infinite: each caller knows how long it would wait.
    """
    said = (said or "").strip()
    if not 0 < len(said) <= MAX_CHARS:
        return None
    if (wait_s := number_of(said)) is not None:
        return wait_s
    # A year that no clock has overflows.
    with suppress(ValueError, OverflowError):
        at = parsedate_to_datetime(said)
        # RFC 9110 §5.6.7: a date without a zone is of UTC.
        return max(0.0, round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now, 1))
    return None


def number_of(said: str | None) -> float | None:
    """Return the number that says how long to wait, 0.0 for one below; None: it is none. It may be infinite."""
    if not said or len(said) > MAX_CHARS:
        return None
    with suppress(ValueError):
        return None if math.isnan(found := float(said)) else max(0.0, found)
    return None
