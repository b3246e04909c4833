"""Tables in text: rows of cells between bars, one a line, and CSV. Where they are, where rows end, what names the columns."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tools.context_plane.documents.media_types import CSV
from tools.context_plane.documents.parsed_document import ParsedDocument

_MAX_COLUMNS_CHARACTERS = 200
#: a row of CSV with a line end in a quoted field is no longer than this; where it seems to be, a quotation mark is missing
_MAX_ROW_CHARACTERS = 10_000
_MIN_ROWS = 3
_RULER = re.compile(r"[\s|:+-]*-[\s|:+-]*")


@dataclass(frozen=True, slots=True)
class Table:
    """`text[start:end]`; `row_ends` behind each row and its line end; rows from `body` on need `columns` to be understood."""

    start: int
    body: int
    end: int
    columns: str
    row_ends: "array[int]"

    def last_end(self, within: int) -> int:
        """Return where the last row ends that is whole before `within`, `start` where there is none."""
        at = bisect_right(self.row_ends, within)
        return self.row_ends[at - 1] if at else self.start


def tables_of(document: ParsedDocument, start: int, end: int) -> list[Table]:
    """Return the tables in `text[start:end]`, which is whole lines, in order."""
    if document.media_type == CSV:
        return [_csv(document.text, start, end)]
    return _between_bars(document.text, start, end)


def _csv(text: str, start: int, end: int) -> Table:
    ends, lines, began, is_open = array("q"), array("q"), start, False
    for line_end in _line_ends(text, start, end):
        is_open ^= text.count('"', lines[-1] if lines else began, line_end) % 2 == 1
        lines.append(line_end)
        if not is_open:
            ends.append(line_end)
        elif line_end - began <= _MAX_ROW_CHARACTERS and line_end < end:
            continue
        else:
            # The quotation mark is never closed: each of the lines is a row.
            ends.extend(lines)
        del lines[:]
        began, is_open = line_end, False
    return _table(text, start, end, ends, 1)


def _line_ends(text: str, start: int, end: int) -> Iterator[int]:
    while start < end:
        start = text.find("\n", start, end) + 1 or end
        yield start


def _between_bars(text: str, start: int, end: int) -> list[Table]:
    tables, at = list[Table](), start
    while (bar := text.find("|", at, end)) >= 0:
        first = max(text.rfind("\n", start, bar) + 1, start)
        at, ends = first, array("q")
        while at < end:
            line_end = text.find("\n", at, end) + 1 or end
            if text.find("|", at, line_end) < 0:
                break
            at = line_end
            ends.append(at)
        has_ruler = len(ends) > 1 and _RULER.fullmatch(text[ends[0] : min(ends[1], ends[0] + 4_000)]) is not None
        if has_ruler or len(ends) >= _MIN_ROWS:
            tables.append(_table(text, first, at, ends, 2 if has_ruler else 1))
    return tables


def _table(text: str, start: int, end: int, ends: "array[int]", head_rows: int) -> Table:
    columns = " ".join(text[start : min(ends[0], start + 4 * _MAX_COLUMNS_CHARACTERS)].strip().strip("|").split())
    return Table(start, ends[min(head_rows, len(ends)) - 1], end, columns[:_MAX_COLUMNS_CHARACTERS].rstrip(), ends)
