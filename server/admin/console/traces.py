"""A trace: everything with one id, in order, with when each part ran."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from server.admin.answers import thing
from server.admin.console.page import ConsolePages
from server.admin.console.things import Member, member
from server.admin.console.values import duration, shown
from server.admin.console.visitor import Visitor
from server.admin.nouns.records.traces import TRACE_ID
from server.admin.reading import MAX_READ_S
from server.admin.refusals import not_found
from server.admin.traces import TraceEntry, TraceReader
from server.storage.read_limit import reads_within

#: units of a bar's picture; what is too short to see is as wide as this
_WIDTH, _LEAST = 1_000, 4
#: members that the page says elsewhere
_SAID = ("at", "trace_id", "reason", "ms", "outcome", "tenant", "person")


@dataclass(frozen=True, slots=True)
class Part:
    """An entry as its page has it; `after`: since the trace began."""

    entry: TraceEntry
    after: str
    took: str
    outcome: Markup
    bar: Markup
    facts: Sequence[Member]


class TracePages:
    """`/admin/traces/{id}`."""

    def __init__(self, pages: ConsolePages, traces: TraceReader) -> None:
        self._pages, self._traces = pages, traces

    async def show(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused, ReadTooLong."""
        trace_id = visitor.request.path_params["id"].strip().lower()
        found: Sequence[TraceEntry] = ()
        if TRACE_ID.fullmatch(trace_id):
            with reads_within(MAX_READ_S):
                found = await self._traces.of(trace_id, visitor.administrator.reach(None))
        if not found:
            raise not_found("nothing is on record with this trace id", "calls are kept for 30 days; ids of log lines are trace ids too")
        if visitor.address.get("format") == "json":
            return thing({"trace_id": trace_id, "items": [dict(entry.facts) | {"kind": entry.kind} for entry in found]})
        first, last = min(entry.from_us for entry in found), max(entry.to_us for entry in found)
        return await self._pages.show(
            visitor,
            "trace",
            trace_id=trace_id,
            began=shown("time", first, is_whole=True),
            took=duration((last - first) / 1_000),
            parts_=[_part(entry, first, last) for entry in found],
            failed=[entry for entry in found if entry.has_failed],
            tenants=sorted({entry.tenant_id for entry in found if entry.tenant_id}),
        )


def _part(entry: TraceEntry, first_us: int, last_us: int) -> Part:
    facts = [member(name, value) for name, value in entry.facts.items() if name not in _SAID and value not in (None, "", [], {})]
    return Part(
        entry,
        "0" if entry.from_us == first_us else f"+{duration((entry.from_us - first_us) / 1_000)}",
        "" if entry.ms is None else duration(entry.ms),
        shown("state", entry.outcome, tone="bad" if entry.has_failed else "plain"),
        _bar(entry, first_us, max(1, last_us - first_us)),
        facts,
    )


def _bar(entry: TraceEntry, first_us: int, whole_us: int) -> Markup:
    """Return when an entry ran, on the line of the whole trace; of its time, the upstream's part is drawn full."""
    start = _WIDTH * (entry.from_us - first_us) / whole_us
    width = max(_LEAST, _WIDTH * (entry.to_us - entry.from_us) / whole_us)
    start = min(start, _WIDTH - width)
    upstream = width * min(1.0, entry.upstream_ms / entry.ms) if entry.ms and entry.upstream_ms else 0.0
    kind = "three" if entry.has_failed else "one"
    return Markup(
        '<svg class="span" viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rail" width="{}" height="10"/><rect class="{} pale" x="{:.0f}" width="{:.0f}" height="10"/>'
        '<rect class="{}" x="{:.0f}" width="{:.0f}" height="10"/></svg>'
    ).format(_WIDTH, _WIDTH, kind, start, width, kind, start, upstream)
