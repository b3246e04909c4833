"""Chunks: slices of a document that are found and quoted, each within one section, with a lead-in from it where it goes on.

A cut is made where writing has one: at a blank line, a line, a sentence, a blank; in a table and in CSV between rows, and nowhere
else while a row fits. All offsets are into the document's text, so that a quote is `text[start:end]`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.context_plane.documents.graphemes import boundary_after, boundary_before, is_boundary
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.sections import SEPARATOR, Section, sections_of
from tools.context_plane.documents.tables import Table, tables_of

#: of what is new in a chunk, and of what leads in
MAX_NEW, MAX_LEAD = 700, 150
MAX_CHARACTERS = 1_000
#: A cut before so much of a chunk is worse than one of the next kind.
_LEAST = int(0.4 * MAX_NEW)
_SENTENCE_END = re.compile(r"""[.!?…؟۔।]["'”’»)\]]*\s+|[。！？；]["'”’」』）]*""")
_NOT_BLANK = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text[start:end]` of a document: its number from 0, the page (from 1) on which it begins, and the headings above it ("A › B").

    The columns of a table are the last of the headings where the chunk is of its later rows.
    """

    n: int
    start: int
    end: int
    page: int | None
    heading: str


def chunks_of(document: ParsedDocument) -> tuple[Chunk, ...]:
    """Return the chunks of a document in order. Every character that is not blank is in one; none is longer than MAX_CHARACTERS."""
    chunks = list[Chunk]()
    for section in sections_of(document):
        for start, end, columns in _slices(document.text, section, tables_of(document, section.start, section.end)):
            page = bisect_right(document.pages, start) if document.pages else None
            chunks.append(Chunk(len(chunks), start, end, page, SEPARATOR.join(filter(None, (section.path, columns)))))
    return tuple(chunks)


def _slices(text: str, section: Section, tables: Sequence[Table]) -> Iterator[tuple[int, int, str]]:
    """Yield start and end of each chunk of a section, and the columns of the table that it goes on with."""
    at, table_at = section.start, 0
    while found := _NOT_BLANK.search(text, at, section.end):
        begin = found.start()
        while table_at < len(tables) and tables[table_at].end <= begin:
            table_at += 1
        table = tables[table_at] if table_at < len(tables) else None
        is_within = table is not None and table.start < begin
        lowest = max(section.start, tables[table_at - 1].end) if table_at else section.start
        start = begin if is_within else _lead_in(text, lowest, begin)
        at = _cut(text, begin, section.end, tables, table_at)
        end = at
        while text[end - 1].isspace():
            end -= 1
        yield start - (not is_boundary(text, start)), end, table.columns if table and is_within and begin >= table.body else ""


def _cut(text: str, begin: int, end: int, tables: Sequence[Table], table_at: int) -> int:
    """Return where a chunk ends that begins at `begin`: past it, and at most MAX_NEW past it."""
    if end - begin <= MAX_NEW:
        return end
    limit, prose = begin + MAX_NEW, begin
    while table_at < len(tables) and tables[table_at].start < limit:
        table = tables[table_at]
        if table.end > limit:
            return _cut_in_table(text, begin, limit, table, prose)
        prose = max(prose, table.end)
        table_at += 1
    return _cut_in_prose(text, begin, limit, prose)


def _cut_in_table(text: str, begin: int, limit: int, table: Table, prose: int) -> int:
    """Cut between two rows, or before the table where all of it has room in the next chunk or none of its rows in this one."""
    row_end = table.last_end(limit)
    fits_next = table.end - table.start <= MAX_NEW and table.start >= begin + _LEAST
    if table.start > begin and (fits_next or row_end <= table.body):
        return table.start
    if row_end > begin:
        return row_end
    # A row that is longer than a chunk is cut like prose.
    return _cut_in_prose(text, begin, limit, prose)


def _cut_in_prose(text: str, begin: int, limit: int, prose: int) -> int:
    """Cut at the best kind of place that is far enough along; `prose` is where sentences may end, behind the tables of the chunk."""
    least = begin + _LEAST
    for kind in ("\n\n", "\n"):
        if (place := text.rfind(kind, least, limit)) >= 0:
            return place + len(kind)
    if (sentence_end := _last_sentence_end(text, max(least, prose), limit)) is not None:
        return sentence_end
    if (place := text.rfind(" ", max(least, prose), limit)) >= 0 and is_boundary(text, place + 1):
        return place + 1
    return boundary_before(text, limit, begin)


def _last_sentence_end(text: str, start: int, end: int) -> int | None:
    last = None
    for found in _SENTENCE_END.finditer(text, start, end):
        last = found
    return last.end() if last else None


def _lead_in(text: str, lowest: int, begin: int) -> int:
    """Return where what leads in to `begin` starts: at a line or sentence in the MAX_LEAD before it, or else at a word."""
    low = begin - MAX_LEAD
    if lowest >= low:
        return _NOT_BLANK.search(text, lowest).start()  # type: ignore[union-attr]  # there is `begin`
    line = text.find("\n", low, begin)
    sentence = _SENTENCE_END.search(text, low, begin)
    places = [place for place in (line + 1, sentence.end() if sentence else 0) if place]
    if not places and (blank := text.find(" ", low, begin)) >= 0:
        places = [blank + 1]
    place = min(places) if places else boundary_after(text, low, begin)
    return _NOT_BLANK.search(text, place).start()  # type: ignore[union-attr]
