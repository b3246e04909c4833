"""What documents must be remembered by, as a Protocol; `server/storage/context_plane` keeps the promise."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tools.context_plane.documents.chunking import Chunk
from tools.context_plane.rag.records import DocumentFailure, DocumentFilter, DocumentRecord, Passage
from tools.context_plane.stores import Scope


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """What an upload came to; `is_new` False: the same bytes are on record, as `document`."""

    document: DocumentRecord
    is_new: bool


@dataclass(frozen=True, slots=True)
class ClaimedDocument:
    """A document that this process reads now. `claim` is its proof; `attempt` counts from 1."""

    tenant_id: str
    document: DocumentRecord
    content: bytes = field(repr=False)
    claim: int
    attempt: int


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What reading gave."""

    media_type: str
    text: str = field(repr=False)
    pages: int
    chunks: tuple[Chunk, ...] = field(repr=False)
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document that became searchable, with the texts of its passages."""

    document: DocumentRecord
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class DocumentNews:
    """What changed up to `revision`; `is_all` False: ask again from there. `gone`: the numbers of the chunks of deleted documents."""

    ready: tuple[IndexedDocument, ...]
    gone: tuple[range, ...]
    revision: int
    is_all: bool


class DocumentStore(Protocol):
    async def add(self, scope: Scope, document: DocumentRecord, content: bytes) -> AddedDocument:
        """Put a document into the queue, bytes and all, in one transaction. Raises QuotaExceeded.

        The same bytes in the same audience are the same document: it is returned as it is, but for one that failed, which is read
        again.
        """
        ...

    async def claim(self, tenant_ids_last: Sequence[str], lease_s: float) -> ClaimedDocument | None:
        """Take the oldest document that waits, or whose reader is silent for longer than its lease; None where there is none.

        Tenants in `tenant_ids_last` come after the others, in their order: whoever was served goes to the end.
        """
        ...

    async def finish(self, claimed: ClaimedDocument, read: ReadDocument) -> bool:
        """Make it searchable and forget its bytes and what it replaces (same audience and name, older), in one transaction.

        False, and nothing is kept, where it was deleted or claimed by another meanwhile.
        """
        ...

    async def fail(self, claimed: ClaimedDocument, failure: DocumentFailure) -> None:
        """Say why it cannot be read, and forget its bytes."""
        ...

    async def give_back(self, claimed: ClaimedDocument, *, was_tried: bool) -> None:
        """Let it wait again; the attempt counts where it `was_tried`."""
        ...

    async def get(self, scope: Scope, document_id: int) -> DocumentRecord | None: ...

    async def list(self, scope: Scope, before: tuple[int, int] | None, limit: int) -> Sequence[DocumentRecord]:
        """Return documents, the newest first; `before`: (created_at_us, document_id) of the last one that is known."""
        ...

    async def find(self, scope: Scope, wanted: DocumentFilter, most: int) -> Sequence[int]:
        """Return the numbers of up to `most` documents that are ready and fit."""
        ...

    async def delete(self, scope: Scope, document_id: int) -> bool:
        """Delete a document with its text, its chunks and its bytes; False where there is none. It wins over a reading under way."""
        ...

    async def of(
        self,
        tenant_id: str,
        audiences: Collection[str] | None,
        *,
        document_id: int | None = None,
        url: str | None = None,
        url_begins: str | None = None,
    ) -> Sequence[int]:
        """Return the numbers of the documents of these audiences (None: all), in whatever state, for whoever forgets them."""
        ...

    async def forget(self, tenant_id: str, document_ids: Collection[int]) -> int:
        """Delete these documents; return how many there were."""
        ...

    async def saying(
        self, tenant_id: str, audiences: Collection[str] | None, phrases: Collection[str], after: int, limit: int
    ) -> Sequence[int]:
        """Return the next numbers behind `after` of documents of these audiences (None: all) that may hold one of these phrases.

        In text, name, address or labels, in any case; there may be some too many.
        """
        ...

    async def whole_text(self, tenant_id: str, document_id: int) -> str:
        """Return all words of a document: name, address, labels, text; '' where it is gone."""
        ...

    async def unread(self, tenant_id: str, audiences: Collection[str] | None) -> int:
        """Return how many documents of these audiences (None: all) have no text yet."""
        ...

    async def purge(self) -> None:
        """Leave no copy of what was deleted outside of the tables. Raises StoreUnavailable where somebody still reads it."""
        ...

    async def passages(self, scope: Scope, rows: Collection[int]) -> Mapping[int, Passage]:
        """Return those of the chunks that are there for `scope`, with their texts."""
        ...

    async def passages_of_all(self, tenant_id: str, rows: Collection[int]) -> Mapping[int, Passage]:
        """Return the same of every audience, for the index of all: what a caller sees is asked for by its scope."""
        ...

    async def revision(self, tenant_id: str) -> int:
        """Return where the tenant's changes stand; 0 where nothing ever changed."""
        ...

    async def documents_since(self, tenant_id: str, revision: int, most_chunks: int) -> DocumentNews:
        """Return what an index that stands at `revision` lacks, in order."""
        ...
