"""How long an access token lives, by whatever its answer says of that."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from oauth.connections.provider import Provider
from oauth.fetch import Fetched

#: a clock that is further away shows something else than the time
MAX_SKEW_S = 86_400.0
MAX_LIFE_S = 10 * 365 * 86_400.0
#: a moment after this in seconds lies in the year 5138; so it is in milliseconds
_MILLISECONDS_FROM = 1e11


def said_ttl_s(provider: Provider, content: Any, answer: Fetched, now: float) -> float | None:
    """Return the seconds that the token lives by its answer; None where that says nothing, or nothing that makes sense.

    `expires_in` (RFC 6749 §5.1), a number or text of one; else a moment, in words of RFC 3339 or as epoch seconds or milliseconds.
    """
    named = seconds(_until(provider.find("expires_at", "", content), answer, now), None)
    said = seconds(provider.find("expires_in", "expires_in", content), None)
    moment = seconds(_until(provider.find("expires_at", "expires_at || expires_on || expires", content), answer, now), None)
    return named or said or moment


def seconds(value: Any, default_s: float | None) -> float | None:
    """Return a positive number of seconds below ten years, from a number or a text of one; `default_s` for anything else."""
    try:
        found = default_s if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return default_s
    return found if found is not None and 0 < found < MAX_LIFE_S else default_s


def _until(value: Any, answer: Fetched, now: float) -> float | None:
    """Return the seconds until a moment that the provider named, by its own clock where it says what that shows."""
    ends = _moment(value)
    if ends is None:
        return None
    try:
        began = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        began = now
    return ends - (began if abs(began - now) <= MAX_SKEW_S else now)


def _moment(value: Any) -> float | None:
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float) or value.strip().replace(".", "", 1).isdigit():
            found = float(value)
            return found / 1000 if found >= _MILLISECONDS_FROM else found
        ends = datetime.fromisoformat(value.strip())
        return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None
