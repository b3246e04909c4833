"""The ZIP that an office document is (ECMA-376 Part 2), and its XML: read as it is unpacked, within bounds, under defusedxml's rules.

No document type, no entity and nothing external is let in (the rules of the package defusedxml, which has no streaming reader).
"""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from xml.parsers import expat

from tools.context_plane.documents.document_limits import MAX_UNPACKED_BYTES
from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.media_types import READ

_PIECE_BYTES = 65_536
#: of one tag: the parser begins anew with each piece of one that is not at its end
_MAX_TAG_BYTES = 1_000_000
_MAX_ENTRIES = 10_000
_PACKED_HOW = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
#: what else is a ZIP, by how the names in it begin
_OTHERS = (("xl/", "a spreadsheet (XLSX)", "save it as CSV"), ("ppt/", "a presentation (PPTX)", "save it as PDF"))

#: called with the qualified name ("{namespace} {local name}") and attributes
Start = Callable[[str, Mapping[str, str]], None]


class Package:
    """An unpacked view of `content`. Raises DocumentRefused, from every method."""

    def __init__(self, content: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
            raise damaged() from None
        entries = self._zip.infolist()
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise DocumentRefused("encrypted", "the file is encrypted", "save it without a password, and send that")
        # It is given out by zipfile until as much came as is declared, and not a byte more.
        if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise _too_large()

    def names(self) -> frozenset[str]:
        """Return the names of the parts."""
        return frozenset(self._zip.namelist())

    def read_xml(self, part: str, start: Start, end: Callable[[str], None], text: Callable[[str], None]) -> None:
        """Read the XML of a part, calling `start`, `end` and `text` as it comes."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse_types
        try:
            with self._zip.open(part) as packed:
                if self._zip.getinfo(part).compress_type not in _PACKED_HOW:
                    raise damaged()
                length = 0
                while piece := packed.read(_PIECE_BYTES):
                    length += len(piece)
                    parser.Parse(piece)
                    if length - parser.CurrentByteIndex > _MAX_TAG_BYTES:
                        raise damaged()
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from None
            raise damaged() from None
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, OSError):
            raise damaged() from None


def refused_archive(names: frozenset[str]) -> DocumentRefused:
    """Return the refusal of a ZIP that is no DOCX, by what it is."""
    for begin, what, hint in _OTHERS:
        if any(name.startswith(begin) for name in names):
            return DocumentRefused("unsupported_media", f"it is {what}", f"{hint}, and send that; {READ}")
    what = "a ZIP archive that is no DOCX" if names else "an empty archive"
    return DocumentRefused("unsupported_media", f"it is {what}", f"send the documents in it one by one; {READ}")


def damaged() -> DocumentRefused:
    return DocumentRefused("damaged", "the DOCX is damaged", "open it, save it anew, and send that")


def _refuse_types(*_: object) -> None:
    raise DocumentRefused("damaged", "its XML declares types or entities, which no DOCX has", "save it anew with a word processor")


def _too_large() -> DocumentRefused:
    return DocumentRefused("too_large", f"unpacked it is larger than {MAX_UNPACKED_BYTES // 1_000_000} MB", "send its text, or parts of it")
