"""One document from bytes to text, in this process: what it is, by whom it is read. Nothing but DocumentRefused is raised on purpose."""

import re
from collections import Counter
from dataclasses import replace

from tools.context_plane.documents.cleaning import cleaned, said_of
from tools.context_plane.documents.decoding import text_of
from tools.context_plane.documents.document_limits import MAX_CHARACTERS, MAX_HEADINGS
from tools.context_plane.documents.document_refused import DocumentRefused, too_long
from tools.context_plane.documents.formats.docx import read_docx
from tools.context_plane.documents.formats.html import read_html
from tools.context_plane.documents.formats.markdown import headings_of
from tools.context_plane.documents.formats.pdf import read_pdf
from tools.context_plane.documents.media_types import CSV, DOCX, HTML, MARKDOWN, PDF, UNTOLD, note_on, packed_type_of, text_type_of
from tools.context_plane.documents.parsed_document import ParsedDocument

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s\"';]{1,40})", re.IGNORECASE)
#: WHATWG HTML §13.2.3.2: it stands in the first 1,024 bytes
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 1_024


def read_document(content: bytes, media_type: str | None, name: str) -> ParsedDocument:
    """Return what a document says. `media_type` as declared, perhaps with a charset, and `name` decide between kinds of text alone.

    Raises DocumentRefused.
    """
    declared, parameters = (media_type or "").strip().lower().partition(";")[::2]
    declared = "" if declared.strip() in UNTOLD else declared.strip()
    if not content.strip():
        raise _empty()
    charset = found[1] if (found := _CHARSET.search(f";{parameters}")) else None
    packed = packed_type_of(content, declared, charset)
    if packed == PDF:
        document = read_pdf(content)
    elif packed == DOCX:
        document = read_docx(content)
    else:
        document = _read_text(content, charset, declared, name)
    if not document.text.strip():
        raise _empty()
    beyond = (f"headings after the first {MAX_HEADINGS:,} are taken as text",) if len(document.headings) == MAX_HEADINGS else ()
    return replace(document, notes=(*note_on(document.media_type, declared), *document.notes, *beyond))


def _read_text(content: bytes, charset: str | None, declared: str, name: str) -> ParsedDocument:
    if charset is None and (found := _META_CHARSET.search(content[:_META_WITHIN])):
        charset = found[1].decode("ascii", "replace")
    text, notes = text_of(content, charset)
    if len(text) > MAX_CHARACTERS:
        raise too_long()
    counts = Counter[str]()
    text = cleaned(text, counts)
    media_type = text_type_of(text, declared, name)
    if media_type == HTML:
        page = read_html(text)
        return ParsedDocument(page.text(), tuple(page.headings), (), HTML, (*notes, *said_of(counts + page.counts)))
    headings = headings_of(text) if media_type == MARKDOWN else ()
    if media_type == CSV and text.count('"') % 2:
        notes = (*notes, "a quotation mark of the CSV is never closed: its rows are taken line by line")
    return ParsedDocument(text, headings, (), media_type, (*notes, *said_of(counts)))


def _empty() -> DocumentRefused:
    return DocumentRefused("no_text", "there is no text in it", "send a document that has some")
