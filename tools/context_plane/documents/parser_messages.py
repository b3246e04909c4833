"""What is said between the gateway and a process that reads documents: figures as JSON, text as UTF-8, chunks as an array of integers."""

import json
from array import array
from collections.abc import Sequence

from tools.context_plane.documents.chunking import Chunk
from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.parsed_document import Heading, ParsedDocument

#: of what only helps to tell what a document is
_MAX_DECLARED = 300
#: integers of a chunk: start, end, page (0: none), number of its heading
_WIDTH = 4


def request(content: bytes, media_type: str | None, name: str, *, cut: bool) -> list[bytes]:
    """Return the message that asks for a document to be read, and cut into chunks as well where `cut`."""
    declared = {"media_type": media_type and media_type[:_MAX_DECLARED], "name": name[-_MAX_DECLARED:], "cut": cut}
    return [json.dumps(declared).encode(), content]


def read_request(message: Sequence[bytes]) -> tuple[bytes, str | None, str, bool]:
    """Return content, media type, name and whether to cut."""
    declared = json.loads(message[0])
    return message[1], declared["media_type"], declared["name"], declared["cut"]


def refusal(error: DocumentRefused) -> list[bytes]:
    """Return the answer that says why a document is not read."""
    return [json.dumps([error.code, error.message, error.hint]).encode()]


def answer(document: ParsedDocument, chunks: Sequence[Chunk]) -> list[bytes]:
    """Return the answer that holds what a document says."""
    headings = [[heading.start, heading.level, heading.title] for heading in document.headings]
    number_by_path = {path: number for number, path in enumerate(dict.fromkeys(chunk.heading for chunk in chunks))}
    figures = [headings, document.pages, document.media_type, document.notes, list(number_by_path)]
    cuts = array("q")
    for chunk in chunks:
        cuts.extend((chunk.start, chunk.end, chunk.page or 0, number_by_path[chunk.heading]))
    return [json.dumps(figures).encode(), document.text.encode(), cuts.tobytes()]


def read_answer(parts: Sequence[bytes]) -> tuple[ParsedDocument, tuple[Chunk, ...]]:
    """Return what a document says, and its chunks. Raises DocumentRefused as the process did."""
    if len(parts) == 1:
        raise DocumentRefused(*json.loads(parts[0]))
    headings, pages, media_type, notes, paths = json.loads(parts[0])
    document = ParsedDocument(parts[1].decode(), tuple(Heading(*given) for given in headings), tuple(pages), media_type, tuple(notes))
    cuts = array("q", parts[2])
    rows = zip(*(cuts[at::_WIDTH] for at in range(_WIDTH)), strict=True)
    return document, tuple(Chunk(n, start, end, page or None, paths[path]) for n, (start, end, page, path) in enumerate(rows))
