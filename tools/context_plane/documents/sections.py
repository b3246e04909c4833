"""Sections of a document: what stands below one heading, and the path of headings above it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.context_plane.documents.parsed_document import Heading, ParsedDocument

#: of a path; what is outermost goes first
_MAX_PATH_CHARACTERS = 300
SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Section:
    """`text[start:end]`, its heading included; `path` names it and what is around it ("A › B")."""

    start: int
    end: int
    path: str


def sections_of(document: ParsedDocument) -> Iterator[Section]:
    """Yield the sections in order; together they are the whole text. A heading with nothing but one below it begins that one's section."""
    text, above, start = document.text, list[Heading](), 0
    ends = [*(heading.start for heading in document.headings), len(text)]
    if text[: ends[0]].strip():
        yield Section(0, ends[0], "")
        start = ends[0]
    for number, (heading, end) in enumerate(zip(document.headings, ends[1:], strict=True), 1):
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        if number < len(document.headings) and document.headings[number].level > heading.level and _is_bare(text, heading, end):
            continue
        yield Section(start, end, path_of(above))
        start = end


def path_of(headings: list[Heading]) -> str:
    """Return the titles of `headings`, outermost first."""
    titles = [heading.title for heading in headings if heading.title]
    while len(titles) > 1 and sum(map(len, titles)) + len(SEPARATOR) * (len(titles) - 1) > _MAX_PATH_CHARACTERS:
        del titles[0]
    return SEPARATOR.join(titles)


def _is_bare(text: str, heading: Heading, end: int) -> bool:
    """Say whether nothing stands between the line of a heading and the next heading."""
    line_end = text.find("\n", heading.start, end)
    return line_end < 0 or not text[line_end:end].strip("\n =-")
