"""A list as data, the same for either face: a page as JSON, or all that there is within a limit as CSV (RFC 4180) or JSON lines."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from server.admin.administrators import Administrator
from server.admin.answers import page
from server.admin.lists.written import written
from server.admin.reading import rows_of
from server.admin.resource import ListQuery, Resource, Row
from tools.fair_semaphore import FairSemaphore
from tools.operation import Json

FORMATS = ("json", "csv", "jsonl")
#: more than that is a matter of a log sink or a backup
MAX_ROWS = 10_000
#: written at a time, and read where a list is not read whole
PAGE_ROWS = 200
#: read at a time; of two places nobody has more than one (tools/fair_semaphore.py)
AT_ONCE = 2
#: for a place to begin
PATIENCE_S = 20.0
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
#: with which spreadsheets begin a formula (OWASP, "CSV injection"), also as wide as a Japanese character
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Exports:
    """Reads for exports, so many at a time: whoever asks for much, ten times over, holds up neither the loop nor others who ask."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = FairSemaphore(at_once, "exports")

    async def of(self, administrator: Administrator, resource: Resource, query: ListQuery, form: str, **more: Any) -> Response:
        """Return the list as data; `more`: further members of a page as JSON. Raises AdminRefused, Busy, ReadTooLong."""
        if form == "json":
            found = await rows_of(administrator, resource, query)
            return page([written(resource, row) for row in found.items], found.next_cursor, **more)
        write = _Csv(resource) if form == "csv" else _lines
        parts = self._parts(administrator, resource, query, write)
        # The first part is read before anything is sent: what it refuses is still an answer of its own.
        first = await anext(parts)

        async def body() -> AsyncIterator[bytes]:
            yield first
            async for part in parts:
                yield part

        headers = {
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "content-disposition": f'attachment; filename="{resource.name}.{form}"',
        }
        return StreamingResponse(body(), 200, headers, _MEDIA_TYPES[form])

    async def _parts(
        self, administrator: Administrator, resource: Resource, query: ListQuery, write: Callable[[Sequence[Row]], bytes]
    ) -> AsyncIterator[bytes]:
        left, holder = MAX_ROWS, (administrator.tenant_id, administrator.subject)
        query = replace(query, limit=MAX_ROWS if resource.is_read_whole else PAGE_ROWS)
        patient_until: float | None = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            # Written in the same place, and not beside what the next one reads: both would take turns row by row.
            async with self._places.hold(holder, patient_until):
                found = await rows_of(administrator, resource, query)
                parts = [part async for part in _written(resource, found.items[:left], write)]
            # What is under way is waited for: its beginning was sent.
            patient_until = None
            for part in parts:
                yield part
            left -= len(found.items)
            if left <= 0 or found.next_cursor is None:
                return
            query = replace(query, cursor=found.next_cursor)


async def _written(resource: Resource, rows: Sequence[Row], write: Callable[[Sequence[Row]], bytes]) -> AsyncIterator[bytes]:
    # None at all is a part, too: its names are written.
    for start in range(0, max(1, len(rows)), PAGE_ROWS):
        yield write([written(resource, row) for row in rows[start : start + PAGE_ROWS]])
        # Or all of it would be one turn of the loop.
        await asyncio.sleep(0)


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join(orjson.dumps(dict(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


class _Csv:
    """Writes rows below a line of names: first those of the columns, then what else the first page has."""

    def __init__(self, resource: Resource) -> None:
        self._columns = [column.name for column in resource.columns]
        self._names: list[str] = []

    def __call__(self, rows: Sequence[Row]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        if not self._names:
            self._names = list(dict.fromkeys(chain(self._columns, *(row.keys() for row in rows))))
            writer.writerow(self._names)
        writer.writerows([_field(row, name) for name in self._names] for row in rows)
        return text.getvalue().encode()


def _field(row: Row, name: str) -> str:
    value: Json = row.get(name)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if value is None:
        return ""
    return orjson.dumps(value).decode() if isinstance(value, bool | Mapping | list | tuple) else str(value)
