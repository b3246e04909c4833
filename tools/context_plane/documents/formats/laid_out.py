"""Text as it is put together from paragraphs, headings and tables, for formats that have them as marks of their own."""

from collections import Counter

from tools.context_plane.documents.cleaning import cleaned
from tools.context_plane.documents.document_limits import MAX_CHARACTERS, MAX_HEADINGS, MAX_TITLE_CHARACTERS
from tools.context_plane.documents.document_refused import too_long
from tools.context_plane.documents.parsed_document import Heading


class LaidOut:
    """Collects the text of a document, block by block: blank lines between blocks, tables as rows of cells between bars."""

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self._blocks: list[str] = []
        self._length = 0
        #: what was cleaned
        self.counts: Counter[str] = Counter()

    def add(self, block: str, *, level: int = 0, gap: str = "\n\n") -> None:
        """Add a block of text, `gap` after the one before it; one with a `level` is a heading."""
        block = cleaned(" ".join(block.split()) if level else block.strip("\n"), self.counts)
        if not block.strip():
            return
        if self._blocks:
            self._blocks.append(gap)
            self._length += len(gap)
        if level and len(self.headings) < MAX_HEADINGS:
            self.headings.append(Heading(self._length, level, block[:MAX_TITLE_CHARACTERS]))
        self._blocks.append(block)
        self._length += len(block)
        if self._length > MAX_CHARACTERS:
            raise too_long()

    def add_table(self, rows: list[list[str]]) -> None:
        """Add rows of cells, the first of which names the columns; what is only laid out as a table becomes lines."""
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        if len(rows) < 2 or max(map(len, rows)) < 2:
            self.add("\n".join(" ".join(cell for cell in row if cell.strip()) for row in rows))
            return
        self.add("\n".join((_row(rows[0]), _row(["---"] * len(rows[0])), *map(_row, rows[1:]))))

    def text(self) -> str:
        """Return what was added."""
        return "".join(self._blocks)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
