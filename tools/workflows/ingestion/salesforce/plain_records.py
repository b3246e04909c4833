"""Records as they come over REST and in CSV, in one form: so that a version has one hash, whichever way it came."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from tools.context_plane.times import time_text, time_us
from tools.operation import Json

#: 2026-11-02T12:00:00.000+0000, or with Z
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


def plain_record(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record without attributes, its moments as RFC 3339 in UTC."""
    return {name: _plain(value) for name, value in record.items() if name != "attributes"}


def csv_records(text: str, fields: Sequence[str]) -> Iterator[dict[str, Json]]:
    """Yield the records of a page of CSV; the header may stand on each page, as documented, or on the first alone."""
    for row in csv.reader(io.StringIO(text)):
        if not row or [name.casefold() for name in row] == [name.casefold() for name in fields]:
            continue
        record: dict[str, Json] = {}
        for name, cell in zip(fields, row, strict=True):
            value = _of_cell(cell)
            relation, _, field = name.partition(".")
            record[relation] = value if not field else None if value is None else {field: value}
        yield record


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return plain_record(value)
    return time_text(time_us(value)) if isinstance(value, str) and _MOMENT.fullmatch(value) else value


def _of_cell(cell: str) -> Json:
    if cell in ("true", "false"):
        return cell == "true"
    return None if cell == "" else _plain(cell)
