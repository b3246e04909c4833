"""What bytes are, told by the bytes: what was declared and the name decide only between kinds of text."""

import re

from tools.context_plane.documents.decoding import is_binary
from tools.context_plane.documents.document_refused import DocumentRefused
from tools.plain_text import visible

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML, MARKDOWN, CSV, TEXT = "text/html", "text/markdown", "text/csv", "text/plain"
READ = "text, Markdown, HTML, CSV, PDF with text and DOCX are read"

#: kinds of text by what is declared
_DECLARED = {
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
    "text/csv": CSV,
    "application/csv": CSV,
    "text/tab-separated-values": CSV,
    "application/vnd.ms-excel": CSV,  # what browsers on Windows call a .csv
    "text/plain": TEXT,
    "application/json": TEXT,
    "application/xml": TEXT,
    "text/xml": TEXT,
    "application/yaml": TEXT,
}
_EXTENSIONS = {"html": HTML, "htm": HTML, "xhtml": HTML, "md": MARKDOWN, "markdown": MARKDOWN, "csv": CSV, "tsv": CSV, "txt": TEXT}
#: says nothing about what it is
UNTOLD = frozenset(("application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"))
_PDF_WITHIN = 1_024
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (b"PK\x03\x04", b"PK\x05\x06")
#: how files begin that are not read here
_OTHERS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"{\\rtf", "RTF"),
    (b"%!PS", "PostScript"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\0", "packed with xz"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a database"),
    (b"PAR1", "a Parquet file"),
)
#: atomic: comments that could end in many places would be tried in all of them
_BEGINS_HTML = re.compile(
    r"(?>\s+|<!--(?>.{0,4096}?-->)|<\?xml[^>]{0,256}>)*+<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_ANY_TAG = re.compile(r"<[a-zA-Z!/?]")
_BEGINS_MARKDOWN = re.compile(r"\s*#{1,6} \S")
_MARKDOWN_HEADING = re.compile(r"^\n#{1,6} \S", re.MULTILINE)
_EXTENSION = re.compile(r"\.([a-zA-Z][a-zA-Z0-9]{0,7})$")
_LOOKED_THROUGH = 100_000


def packed_type_of(content: bytes, declared: str, charset: str | None) -> str | None:
    """Return PDF, DOCX (any ZIP: its reader looks inside), or None for text of any kind. Raises DocumentRefused.

    `declared` is a media type without parameters, in lower case, or ''; `charset` one of its parameters.
    """
    begin = content[:_PDF_WITHIN]
    # Readers take what stands before it (ISO 32000-2 §7.5.2); a text may speak of it.
    if begin.lstrip().startswith(b"%PDF-") or (b"%PDF-" in begin and (declared == PDF or is_binary(content, charset))):
        return PDF
    if content.startswith(_ZIP):
        return DOCX
    if content.startswith(_OLE):
        raise _of_old_office(content)
    for mark, what in _OTHERS:
        if content.startswith(mark):
            raise _unsupported(what)
    if is_binary(content, charset):
        raise _unsupported("no text, and no format that is known here")
    return None


def text_type_of(text: str, declared: str, name: str) -> str:
    """Return HTML, MARKDOWN, CSV or TEXT."""
    if _BEGINS_HTML.match(text):
        return HTML
    extension = found[1].lower() if (found := _EXTENSION.search(name)) else ""
    kind = _DECLARED.get(declared)
    if kind in (None, TEXT):
        kind = _EXTENSIONS.get(extension, kind)
    if kind == HTML and not _ANY_TAG.search(text):
        return TEXT
    # Comments of programs begin like headings: their names have an extension.
    if not declared and not extension and kind is None and _looks_like_markdown(text):
        return MARKDOWN
    return kind or TEXT


def note_on(read: str, declared: str) -> tuple[str, ...]:
    """Return a note where something else was declared than was read."""
    if declared in ("", read) or _DECLARED.get(declared) == read:
        return ()
    # Markdown and CSV are plain text as well, and often declared so.
    if declared == TEXT and read in (MARKDOWN, CSV):
        return ()
    return (f"declared as {visible(declared)[:100]}, read as {read}, which it is",)


def _looks_like_markdown(text: str) -> bool:
    """Say whether text begins with a heading as Markdown has them, or has two below blank lines."""
    return bool(_BEGINS_MARKDOWN.match(text)) or len(_MARKDOWN_HEADING.findall(text, 0, _LOOKED_THROUGH)) > 1


def _unsupported(what: str) -> DocumentRefused:
    return DocumentRefused("unsupported_media", f"it is {what}", READ)


def _of_old_office(content: bytes) -> DocumentRefused:
    # [MS-OFFCRYPTO] §2.3.4.4: an encrypted OOXML file is an OLE container with this stream.
    if "EncryptedPackage".encode("utf-16-le") in content:
        return DocumentRefused("encrypted", "the file is encrypted", "save it without a password, and send that")
    return DocumentRefused("unsupported_media", "it is of an Office from before 2007", "save it as DOCX or PDF, and send that")
