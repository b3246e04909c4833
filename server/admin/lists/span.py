"""From when until when a list is asked for: `range=24h`, or `from` and `to`, the same in every address of the administration."""

import re
from collections.abc import Mapping

from server.admin.lists.moment import moment_us
from server.admin.refusals import AdminRefused, invalid
from server.admin.resource import Span

#: parameters that say a span
PARAMETERS = ("range", "from", "to")
#: the longest that anything is kept (operations contract, "Retention")
MAX_DAYS = 400
DAY_US = 86_400 * 1_000_000
_RANGE = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS_US = {"m": 60 * 1_000_000, "h": 3_600 * 1_000_000, "d": DAY_US, "w": 7 * DAY_US}


def span_of(asked: Mapping[str, str], default_range: str, now_us: int) -> Span:
    """Return the span that an address says, `default_range` where it says none; "": all there is. Raises AdminRefused."""
    said, first, last = (asked.get(name, "") for name in PARAMETERS)
    if not default_range:
        if said or first or last:
            raise invalid(f"{'range' if said else 'from, to'}: this list has no time to narrow it by")
        return Span(from_us=0, to_us=now_us)
    if said and (first or last):
        raise invalid("give range, or from and to, and not both")
    if first or last:
        from_us, to_us = (_moment("from", first) if first else 0), (_moment("to", last) if last else now_us)
        if not first:
            from_us = to_us - _range_us(default_range)
    else:
        said = said or default_range
        from_us, to_us = now_us - _range_us(said), now_us
    if from_us >= to_us:
        raise invalid("from: it has to lie before to")
    if to_us - from_us > MAX_DAYS * DAY_US:
        raise invalid(f"range, from, to: the span is longer than {MAX_DAYS} days, and nothing is kept for longer")
    return Span(from_us=from_us, to_us=to_us, said=said)


def _range_us(said: str) -> int:
    match = _RANGE.fullmatch(said)
    if match is None:
        raise invalid("range: give a number and m, h, d or w, as 90m, 24h, 7d or 4w")
    return int(match[1]) * _UNITS_US[match[2]]


def _moment(name: str, text: str) -> int:
    try:
        return moment_us(text)
    except ValueError as error:
        rule = f"{name}: give a date or a time, as 2026-12-31 or 2026-12-31T12:00:00Z"
        raise AdminRefused(400, "invalid_request", rule, "a plus sign of a zone is written %2B in an address") from error
