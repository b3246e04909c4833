"""How long an answer may be used again, read from its header (RFC 9111, RFC 5861)."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from tools.value_objects import value_object

_DIRECTIVE = re.compile(r'([A-Za-z0-9_-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s,]*)))?')
_MAX_DATE_CHARS = 64
#: RFC 9110 §15.1: what a cache may keep without being told so, as far as an operation can use it
_STATUSES = frozenset({200, 203})
#: fields without any of which nothing is said of how long an answer is good; most have none, and need no closer look
WORDS = frozenset({"cache-control", "expires", "etag"})


@value_object
class Freshness:
    """Seconds counted from when the answer came. `stale_while_revalidate_s` begins where `fresh_s` ends."""

    fresh_s: float
    stale_while_revalidate_s: float
    etag: str | None

    @property
    def is_useful(self) -> bool:
        """Whether keeping the answer can ever spare anything: a while of freshness, or a validator to ask with."""
        return self.fresh_s > 0 or self.etag is not None


def freshness_of(status: int, headers: Mapping[str, str], now: float, max_fresh_s: float, *, is_shared: bool = False) -> Freshness | None:
    """Return how long an answer is good for, or None where it may not be kept.

    A private cache, as that of calls, looks past s-maxage and private; one that many callers share (`is_shared`) does not. Nothing is
    guessed: without max-age or Expires an answer is stale at once (no heuristic of RFC 9111 §4.2.2).
    """
    directives = directives_of(headers.get("cache-control", ""))
    if status not in _STATUSES or "no-store" in directives or "*" in headers.get("vary", "") or (is_shared and "private" in directives):
        return None
    if "no-cache" in directives:
        lifetime_s = 0.0
    elif is_shared and "s-maxage" in directives:  # RFC 9111 §5.2.2.10
        lifetime_s = _seconds(directives["s-maxage"])
    elif "max-age" in directives:
        lifetime_s = _seconds(directives["max-age"])
    else:
        lifetime_s = _until(headers.get("expires"), headers.get("date"), now)
    fresh_s = max(0.0, min(lifetime_s - _seconds(headers.get("age", "").partition(",")[0].strip()), max_fresh_s))
    may_be_stale = not {"no-cache", "must-revalidate"} & directives.keys() and not (is_shared and "proxy-revalidate" in directives)
    stale_s = min(_seconds(directives.get("stale-while-revalidate")), max_fresh_s) if may_be_stale else 0.0
    return Freshness(fresh_s, stale_s, headers.get("etag") or None)


def directives_of(text: str) -> dict[str, str]:
    """Return what a Cache-Control says."""
    if not text:
        return {}
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(text):
        # RFC 9111 §4.2.1: of a directive that comes twice, the first counts.
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3] or "")
    return found


def _seconds(text: str | None) -> float:
    """Return delta-seconds; anything else counts as nothing (RFC 9111 §4.2.1: invalid freshness is stale)."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= 10 else 0.0


def _until(expires: str | None, date: str | None, now: float) -> float:
    if not expires or len(expires) > _MAX_DATE_CHARS or len(date or "") > _MAX_DATE_CHARS:
        return 0.0
    try:
        end = parsedate_to_datetime(expires).timestamp()
        start = parsedate_to_datetime(date).timestamp() if date else now
    except (ValueError, OverflowError, TypeError):
        return 0.0
    return max(0.0, end - start)
