"""PDF as text, page by page, with its outline as headings. What is only a picture of text is not read."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pypdfium2
import pypdfium2.raw as pdfium

from tools.context_plane.documents.cleaning import cleaned, said_of
from tools.context_plane.documents.document_limits import MAX_CHARACTERS, MAX_HEADINGS, MAX_PAGES, MAX_TITLE_CHARACTERS
from tools.context_plane.documents.document_refused import DocumentRefused, too_long
from tools.context_plane.documents.media_types import PDF
from tools.context_plane.documents.parsed_document import Heading, ParsedDocument

#: PDFium's marks for a hyphen at the end of a line: the word goes on in the next
_HYPHENATED = re.compile("[\x02\ufffe\u00ad]\r?\n")
#: a long line that the next one goes on with: it does not end a sentence
_WRAPPED = re.compile(r"(?<=[^\n]{39}[\w,;’')-])[ ]*\n(?=\w)")
_LIGATURES = str.maketrans({0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"})
_PAGE_GAP = "\n\n"
_MAX_NUMBER = 12


def read_pdf(content: bytes) -> ParsedDocument:
    """Return the text of a PDF. Raises DocumentRefused: encrypted, damaged, too_large, no_text."""
    with _opened(content) as document:
        return _read(document)


def _read(document: pypdfium2.PdfDocument) -> ParsedDocument:
    count = len(document)
    if count > MAX_PAGES:
        raise DocumentRefused("too_large", f"it has {count:,} pages, more than {MAX_PAGES:,}", "split it, and send the parts")
    texts, pages, length, broken, counts = [], [], 0, 0, Counter[str]()
    for number in range(count):
        try:
            text = _text_of(document, number, counts)
        except pypdfium2.PdfiumError:
            text, broken = "", broken + 1
        pages.append(length)
        if text:
            texts.append(text)
            length += len(text) + len(_PAGE_GAP)
        if length > MAX_CHARACTERS:
            raise too_long()
    if not texts:
        raise _nothing_in(count, broken)
    whole = _PAGE_GAP.join(texts)
    pages = [min(page, len(whole)) for page in pages]
    return ParsedDocument(
        whole, _headings(document, whole, pages), tuple(pages), PDF, (*_said(count, len(texts), broken), *said_of(counts))
    )


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        # Where it fails without saying why, the code is that of the failure before.
        if b"/Encrypt" in content and error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise DocumentRefused("encrypted", "the PDF is encrypted", "save it without a password, and send that") from None
        raise _damaged() from None


def _text_of(document: pypdfium2.PdfDocument, number: int, counts: Counter[str]) -> str:
    page = document[number]
    try:
        read = page.get_textpage()
        try:
            text = read.get_text_bounded()
        finally:
            read.close()
    finally:
        page.close()
    text = cleaned(_HYPHENATED.sub("", text).translate(_LIGATURES), counts)
    return _unwrapped(text).strip()


def _unwrapped(text: str) -> str:
    """Return `text` with lines joined that are one sentence: where one does not end it and the next begins with a small letter."""
    return _WRAPPED.sub(lambda found: " " if text[found.end()].islower() else found[0], text)


def _headings(document: pypdfium2.PdfDocument, text: str, pages: list[int]) -> tuple[Heading, ...]:
    """Return the outline as headings: where the title stands on its page, else where the page begins."""
    found = []
    for level, title, page in islice(_outline(document), MAX_HEADINGS):
        if not 0 <= page < len(pages):
            continue
        end = pages[page + 1] if page + 1 < len(pages) else len(text)
        at = text.find(title, pages[page], end)
        line = max(pages[page], text.rfind("\n", 0, at) + 1)
        # The number of a section stands on its page, and often not in the outline.
        found.append(Heading(pages[page] if at < 0 else line if at - line <= _MAX_NUMBER else at, level, title))
    return tuple(sorted(found, key=lambda heading: heading.start))


def _outline(document: pypdfium2.PdfDocument) -> Iterator[tuple[int, str, int]]:
    """Yield level, title and page (from 0) of what the outline points at; one that goes in circles ends."""
    for entry in document.get_toc():
        target = entry.get_dest()
        page = target.get_index() if target is not None else None
        title = " ".join(cleaned(entry.get_title(), Counter()).split())[:MAX_TITLE_CHARACTERS]
        if page is not None and title:
            yield entry.level + 1, title, page


def _said(count: int, with_text: int, broken: int) -> tuple[str, ...]:
    notes = []
    if broken:
        notes.append(f"{broken:,} of {count:,} pages are damaged and were left out")
    if empty := count - with_text - broken:
        notes.append(f"{empty:,} of {count:,} pages have no text; pictures of text are not read")
    return tuple(notes)


def _nothing_in(count: int, broken: int) -> DocumentRefused:
    if count == 0 or broken == count:
        return _damaged()
    return DocumentRefused("no_text", "no page of the PDF has text, only pictures of it at most", "recognise its text (OCR), and send that")


def _damaged() -> DocumentRefused:
    return DocumentRefused("damaged", "the PDF is damaged", "open it, save it anew, and send that")
