"""Log sinks: how far each has come in each stream, what it lost, and why nothing arrives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.resource import Column, ListQuery, Resource, Row, Rows
from server.config_versions.sections.sinks import LogSink, Sinks
from server.storage.history.sink_cursors import SinkCursor, SqlSinkCursors
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class LogSinkNoun:
    """`sinks`: the section in force. A sink that was taken out of it stays on record for as long as calls do, and goes on from there."""

    cursors: SqlSinkCursors
    sinks: Callable[[], Sinks]

    def resource(self) -> Resource:
        return Resource(
            name="sinks",
            title="Log sinks",
            about="Where calls, audit rows and lines go: `[[sinks.logs]]` of the configuration; what one does not take is sent later.",
            columns=(
                Column(name="sink", title="Sink"),
                Column(name="stream", title="Stream"),
                Column(name="state", title="State", kind="state"),
                Column(name="lag_ms", title="Oldest waits for", kind="duration_ms"),
                Column(name="sent_at", title="Arrived last", kind="time"),
                Column(name="sent_rows", title="Rows", kind="number", is_aside=True),
                Column(name="lost_rows", title="Lost", kind="number"),
                Column(name="error", title="Last error"),
            ),
            facts=(
                Column(name="id", title="ID"),
                Column(name="kind", title="Kind"),
                Column(name="where", title="Where"),
                Column(name="failures", title="Failed in a row", kind="number"),
                Column(name="failed_at", title="Failed last", kind="time"),
                Column(name="next_try_at", title="Tried again", kind="time"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            is_of_gateway=True,
            when_empty="No sink is configured. Name one below `[[sinks.logs]]`, and `ascend config apply` the file.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        return page_of(await self._all(), query, "id")

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        return next((row for row in await self._all() if row["id"] == key), None)

    async def _all(self) -> Sequence[Row]:
        wanted = {f"{sink.name}:{stream}": (sink, stream) for sink in self.sinks().logs for stream in sink.streams}
        kept = {f"{each.sink}:{each.stream}": each for each in await self.cursors.all()}
        rows = [_row(key, cursor, wanted[key][0] if key in wanted else None) for key, cursor in kept.items()]
        # One that was named just now has no cursor yet.
        begun = [
            {"id": key, "sink": sink.name, "stream": stream, "state": "pending", **_place(sink)}
            for key, (sink, stream) in wanted.items()
            if key not in kept
        ]
        return sorted([*rows, *begun], key=lambda row: str(row["id"]))


def _row(key: str, cursor: SinkCursor, sink: LogSink | None) -> dict[str, Json]:
    return {
        "id": key,
        "sink": cursor.sink,
        "stream": cursor.stream,
        "state": "removed" if sink is None else "failed" if cursor.failures else "ok",
        "lag_ms": round(cursor.lag_s * 1_000) if sink is not None else None,
        "sent_at": cursor.sent_at_us or None,
        "sent_rows": cursor.sent_rows,
        "lost_rows": cursor.lost_rows,
        "error": cursor.error or None,
        "failures": cursor.failures,
        "failed_at": cursor.failed_at_us or None,
        "next_try_at": cursor.next_try_at_us or None,
        **(_place(sink) if sink is not None else {}),
    }


def _place(sink: LogSink) -> Mapping[str, Json]:
    """Return where a sink is, without what a path or a query of it may tell."""
    url = urlsplit(sink.url)
    return {"kind": sink.kind, "where": f"{url.scheme}://{url.hostname or ''}"}
