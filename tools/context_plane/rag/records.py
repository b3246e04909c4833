"""A document on record, its passages, and which of them are asked for (context contract §1, §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from tools.context_plane.ids import new_id
from tools.operation import Json

DocumentStatus = Literal["queued", "parsing", "ready", "failed"]
#: a document's number ends in so many zero bits, and its n-th chunk has the number document_id + n: one number names both
CHUNK_BITS = 16
MAX_CHUNKS = (1 << CHUNK_BITS) - 1


def new_document_id() -> int:
    """Return a number for a document, with room for those of its chunks."""
    return (new_id() >> CHUNK_BITS << CHUNK_BITS) or 1 << CHUNK_BITS


def document_of(row: int) -> int:
    """Return the document whose chunk has this number."""
    return row >> CHUNK_BITS << CHUNK_BITS


def item_url(source: str, source_id: str = "") -> str:
    """Return the address of documents that were taken in from a source with an episode of theirs, or what all of it begin with.

    Of a scheme of ours: nothing that is fetched has one like it.
    """
    return f"item:{quote(source, safe='')}/{quote(source_id, safe='')}"


@dataclass(frozen=True, slots=True)
class DocumentFailure:
    """Why a document has no passages, in the contract's codes."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """One document of one tenant. `audience`: '' for all of it, or the one subject whose it is."""

    document_id: int
    audience: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at_us: int
    status: DocumentStatus = "queued"
    error: DocumentFailure | None = None
    #: flat, of texts, numbers and truth values: what `filter` compares with
    metadata: Mapping[str, Json] = field(default_factory=dict)
    #: where it was fetched from; '' where its bytes were sent
    url: str = ""
    ready_at_us: int | None = None
    chars: int = 0
    pages: int = 0
    chunks: int = 0
    #: what reading it changed: characters that were cleaned, a media type that was wrong
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document's text: `text` is exactly `document.text[start:end]`, in characters."""

    row: int
    document_id: int
    name: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents are meant: those that fit every member that is given."""

    document_ids: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Say whether every document fits."""
        return not (self.document_ids or self.names or self.media_types or self.metadata)
