"""A list as data, the same for either face: a page as JSON, or all that there is within a limit as CSV (RFC 4180) or JSON lines."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
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
from tools.operation import Json

FORMATS = ("json", "csv", "jsonl")
#: more than that is a matter of a log sink or a backup
MAX_ROWS = 10_000
#: at a time
PAGE_ROWS = 200
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
#: with which spreadsheets begin a formula (OWASP, "CSV injection"), also as wide as a Japanese character
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def exported(administrator: Administrator, resource: Resource, query: ListQuery, form: str, **more: Any) -> Response:
    """Return the list as data; `more`: further members of a page as JSON. Raises AdminRefused, ReadTooLong."""
    if form == "json":
        found = await rows_of(administrator, resource, query)
        return page([written(resource, row) for row in found.items], found.next_cursor, **more)
    pages = _pages(administrator, resource, replace(query, limit=PAGE_ROWS))
    # The first page is read before anything is sent: what it refuses is still an answer of its own.
    first = await anext(pages)
    write = _Csv(resource) if form == "csv" else _lines

    async def body() -> AsyncIterator[bytes]:
        yield write(first)
        async for rows in pages:
            yield write(rows)

    headers = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-disposition": f'attachment; filename="{resource.name}.{form}"',
    }
    return StreamingResponse(body(), 200, headers, _MEDIA_TYPES[form])


async def _pages(administrator: Administrator, resource: Resource, query: ListQuery) -> AsyncIterator[Sequence[Row]]:
    left = MAX_ROWS
    while True:
        found = await rows_of(administrator, resource, query)
        yield [written(resource, row) for row in found.items[:left]]
        left -= len(found.items)
        if left <= 0 or found.next_cursor is None:
            return
        query = replace(query, cursor=found.next_cursor)


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
    if value is None:
        return ""
    if isinstance(value, bool | Mapping | list | tuple):
        return orjson.dumps(value).decode()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
