"""Headings of Markdown (CommonMark 0.31 §4.2, §4.3), of which the text itself is kept as it was written."""

import re
from collections.abc import Iterator
from itertools import islice

from tools.context_plane.documents.document_limits import MAX_HEADINGS, MAX_TITLE_CHARACTERS
from tools.context_plane.documents.parsed_document import Heading

#: lines that matter: fences, headings with #, and lines that make the one above them a heading
_LINES = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)|(?P<marks>#{1,6})(?P<title>[ \t][^\n]*)?$|(?P<under>=+|-{2,})[ \t]*$)", re.MULTILINE
)
_FRONT_MATTER = re.compile(r"---\n(?:[^\n]*\n){0,200}?(?:---|\.\.\.)(?:\n|$)")
#: a paragraph of one line, and not a list, quotation, table or code
_NO_PARAGRAPH = re.compile(r" {4}|\t|[ ]{0,3}(?:[-*+>|#]|\d{1,9}[.)]|`{3}|~{3})")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def headings_of(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown, without those within fenced code and front matter; at most MAX_HEADINGS."""
    return tuple(islice(_headings(text), MAX_HEADINGS))


def _headings(text: str) -> Iterator[Heading]:
    front = _FRONT_MATTER.match(text)
    fence, last_end = "", -1
    for line in _LINES.finditer(text, front.end() if front else 0):
        if line["fence"]:
            if not fence and not ("`" in line["info"] and line["fence"][0] == "`"):
                fence = line["fence"]
            elif fence and line["fence"].startswith(fence) and not line["info"].strip():
                fence = ""
        elif fence:
            continue
        elif line["marks"]:
            last_end = line.end()
            yield Heading(line.start(), len(line["marks"]), _title(line["title"] or ""))
        elif (above := _line_above(text, line.start())) is not None and above > last_end:
            last_end = line.end()
            yield Heading(above, 1 if line["under"][0] == "=" else 2, _title(text[above : line.start()]))


def _line_above(text: str, start: int) -> int | None:
    """Return where the line above `start` begins, if it is a paragraph of one line."""
    if start == 0:
        return None
    begin = text.rfind("\n", 0, start - 1) + 1
    line = text[begin : start - 1]
    if not line.strip() or len(line) > MAX_TITLE_CHARACTERS or _NO_PARAGRAPH.match(line):
        return None
    return begin if begin == 0 or not text[text.rfind("\n", 0, begin - 1) + 1 : begin].strip() else None


def _title(line: str) -> str:
    title = line[: 4 * MAX_TITLE_CHARACTERS].strip()
    bare = title.rstrip("#")
    if not bare or bare[-1] in " \t":
        title = bare.rstrip()
    return " ".join(_EMPHASIS.sub("", _LINK.sub(r"\1", title)).split())[:MAX_TITLE_CHARACTERS]
