"""DOCX as text (ECMA-376 Part 1 §17): paragraphs, headings by style, lists, tables, notes; nothing that is deleted or hidden."""

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from tools.context_plane.documents.cleaning import said_of
from tools.context_plane.documents.document_limits import MAX_CHARACTERS
from tools.context_plane.documents.document_refused import too_long
from tools.context_plane.documents.formats.docx_styles import heading_levels, in_word, level_of, value_of
from tools.context_plane.documents.formats.laid_out import LaidOut
from tools.context_plane.documents.formats.package import Package, refused_archive
from tools.context_plane.documents.media_types import DOCX
from tools.context_plane.documents.parsed_document import Heading, ParsedDocument

_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
#: what a reader who knows the newer form of it leaves out, and text that was moved away
_LEFT_OUT = frozenset((f"{_COMPATIBILITY} Fallback", *in_word("moveFrom")))
_LOCAL_NAMES = "p r t tab br cr tbl tr tc pStyle numId outlineLvl vanish"
_NAMES = {name: local for local in _LOCAL_NAMES.split() for name in in_word(local)}
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n"}
_OFF = frozenset(("0", "false", "off"))
_ROOT_RELATIONS = "_rels/.rels"


def read_docx(content: bytes) -> ParsedDocument:
    """Return the text of a DOCX, its notes at the end. Raises DocumentRefused."""
    package = Package(content)
    names = package.names()
    main = _main_part(package, names)
    if main not in names or not any(name.startswith("word/") for name in names):
        raise refused_archive(names)
    folder = posixpath.dirname(main)
    styles = posixpath.join(folder, "styles.xml")
    body = _Body(heading_levels(package, styles) if styles in names else {})
    for part in (main, posixpath.join(folder, "footnotes.xml"), posixpath.join(folder, "endnotes.xml")):
        if part in names:
            package.read_xml(part, body.start, body.end, body.text)
    laid_out = body.laid_out
    return ParsedDocument(laid_out.text(), _from_one(laid_out.headings), (), DOCX, said_of(laid_out.counts))


def _from_one(headings: list[Heading]) -> tuple[Heading, ...]:
    """Return headings whose levels begin at 1: a document without a title has none of the title's."""
    above = min((heading.level for heading in headings), default=1) - 1
    return tuple(replace(heading, level=heading.level - above) for heading in headings)


def _main_part(package: Package, names: frozenset[str]) -> str:
    """Return the name of the part that is the document (ECMA-376 Part 1 §11.3.10)."""
    found = ["word/document.xml"]

    def start(_: str, given: Mapping[str, str]) -> None:
        if given.get("Type", "").endswith("/officeDocument"):
            found.append(given.get("Target", "").lstrip("/"))

    if _ROOT_RELATIONS in names:
        package.read_xml(_ROOT_RELATIONS, start, lambda _: None, lambda _: None)
    return found[-1]


class _Paragraph:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.level = 0
        self.is_item = False


class _Body:
    """Takes the XML of a part as it comes, and lays its text out. Paragraphs stand within paragraphs where there are text boxes."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.laid_out = LaidOut()
        self._levels = levels
        self._paragraphs: list[_Paragraph] = []
        self._left_out = self._characters = self._tables = 0
        self._in_text = self._in_run = self._is_hidden = False
        #: of the outermost table here; what is in one within it stands in its cell
        self._rows: list[list[str]] = []

    def start(self, name: str, given: Mapping[str, str]) -> None:
        if self._left_out or name in _LEFT_OUT:
            self._left_out += 1
            return
        local = _NAMES.get(name)
        if local is None:
            return
        if local == "p":
            self._paragraphs.append(_Paragraph())
        elif local == "r":
            self._in_run, self._is_hidden = True, False
        elif local == "t":
            self._in_text = not self._is_hidden
        elif local == "vanish":
            self._is_hidden = self._in_run and value_of(given) not in _OFF
        elif local in _BREAKS:
            self.write(_BREAKS[local])
        elif local == "tbl":
            self._tables += 1
        elif self._tables == 1 and local == "tr":
            self._rows.append([])
        elif self._tables == 1 and local == "tc" and self._rows:
            self._rows[-1].append("")
        elif self._paragraphs:
            self._describe(self._paragraphs[-1], local, value_of(given))

    def _describe(self, paragraph: _Paragraph, local: str, value: str) -> None:
        if local == "pStyle":
            paragraph.level = self._levels.get(value, 0)
        elif local == "outlineLvl":
            paragraph.level = level_of(value)
        elif local == "numId":
            paragraph.is_item = value != "0"

    def end(self, name: str) -> None:
        if self._left_out:
            self._left_out -= 1
            return
        local = _NAMES.get(name)
        if local == "t":
            self._in_text = False
        elif local == "r":
            self._in_run = self._is_hidden = False
        elif local == "p" and self._paragraphs:
            self._end_paragraph(self._paragraphs.pop())
        elif local == "tbl" and self._tables:
            self._tables -= 1
            if not self._tables:
                self.laid_out.add_table(self._rows)
                self._rows = []

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.pieces)
        if self._tables:
            if self._rows and self._rows[-1] and text.strip():
                self._rows[-1][-1] = f"{self._rows[-1][-1]} {text}".strip()
        elif paragraph.is_item and not paragraph.level and text.strip():
            self.laid_out.add(f"- {text.strip()}", gap="\n")
        else:
            self.laid_out.add(text, level=paragraph.level)

    def text(self, text: str) -> None:
        if self._in_text and not self._left_out:
            self.write(text)

    def write(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise too_long()
        if self._paragraphs:
            self._paragraphs[-1].pieces.append(text)
