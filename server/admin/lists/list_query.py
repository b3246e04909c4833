"""What an address asks of a list: span, tenant, filters, limit and cursor, read the same way by every face."""

from collections.abc import Iterable

from server.admin.administrators import Administrator
from server.admin.lists import span
from server.admin.refusals import invalid
from server.admin.resource import Filter, ListQuery, Resource

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_TEXT_CHARS = 200
MAX_CURSOR_CHARS = 1_000


def list_query(
    administrator: Administrator,
    resource: Resource,
    parameters: Iterable[tuple[str, str]],
    now_us: int,
    *,
    others: Iterable[str] = (),
    max_limit: int = MAX_LIMIT,
) -> ListQuery:
    """Return what is asked, narrowed to what the administrator reaches. Raises AdminRefused.

    A parameter without a value is not given, as forms send it. others: parameters that the face reads itself; `now_us`: where spans end.
    """
    known = (*span.PARAMETERS, "tenant", "limit", "cursor", *(each.name for each in resource.filters))
    asked: dict[str, str] = {}
    ignored = set(others)
    for name, value in parameters:
        if name in ignored:
            continue
        if name not in known:
            raise invalid(f"{name[:40]}: there is no such parameter", f"there are {', '.join((*known, *ignored))}")
        if name in asked:
            raise invalid(f"{name}: give it once")
        asked[name] = value
    return ListQuery(
        span=span.span_of(asked, resource.default_range, now_us),
        tenant_id=administrator.reach(_text("tenant", asked.get("tenant", "")) or None),
        filters={each.name: text for each in resource.filters if (text := _filter(each, asked.get(each.name, "")))},
        limit=_limit(asked.get("limit", ""), max_limit),
        cursor=_text("cursor", asked.get("cursor", ""), MAX_CURSOR_CHARS) or None,
    )


def _filter(which: Filter, value: str) -> str:
    """Return the value of a filter, "" where it is not given or turned off."""
    text = _text(which.name, value)
    if which.is_flag:
        if text not in ("", "true", "false"):
            raise invalid(f"{which.name}: give true, or leave it out")
        return text if text == "true" else ""
    if text and which.choices and text not in which.choices:
        raise invalid(f"{which.name}: give one of {', '.join(which.choices)}")
    return text


def _limit(said: str, most: int) -> int:
    if not said:
        return min(DEFAULT_LIMIT, most)
    if not (said.isascii() and said.isdigit() and len(said) < 10 and 1 <= int(said) <= most):
        raise invalid(f"limit: give a number from 1 to {most}")
    return int(said)


def _text(name: str, value: str, most: int = MAX_TEXT_CHARS) -> str:
    if len(value) > most:
        raise invalid(f"{name}: {most} characters are the most")
    # No store takes half a character or a zero, and nothing that is listed has a control character in its name.
    if not value.isprintable():
        raise invalid(f"{name}: it has characters that nobody could see")
    return value
