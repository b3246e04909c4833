"""What context_forget takes away of documents: one, those from one place, those of one audience, those that name somebody."""

import math
from collections.abc import Collection, Mapping, Sequence

import anyio.to_thread

from tools.context_plane.errors import nothing_there
from tools.context_plane.forgetting.forgetting import Target
from tools.context_plane.forgetting.named_in import NamedIn
from tools.context_plane.forgetting.naming_words import Words
from tools.context_plane.ids import DOCUMENT, id_number
from tools.context_plane.rag.records import item_url
from tools.context_plane.rag.stores import DocumentStore

#: of texts, for one answer: some ten seconds' work
MAX_READ_CHARS = 30_000_000
#: documents that a store looks through for one answer
AT_ONCE = 500


class DocumentForgetting:
    """A ForgetsElsewhere, and the NamingDocuments. An entity has no documents of its own; an episode has those that were taken in with it;
    `source` of a document is the URL that it was fetched from, or the source that it was taken in from.
    """

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def __call__(self, tenant_id: str, target: Target, *, dry_run: bool) -> Mapping[str, int]:
        document_ids = await self._meant(tenant_id, target)
        if dry_run or not document_ids:
            return {"documents": len(document_ids)}
        return {"documents": await self._store.forget(tenant_id, document_ids)}

    async def _meant(self, tenant_id: str, target: Target) -> Sequence[int]:
        if target.document is not None:
            number = id_number(DOCUMENT, target.document)
            found = await self._store.of(tenant_id, target.audiences, document_id=number) if number is not None else ()
            if not found:
                raise nothing_there("document")
            return found
        if target.item is not None:
            return await self._store.of(tenant_id, target.audiences, url=item_url(*target.item))
        if target.source is not None:
            fetched = await self._store.of(tenant_id, target.audiences, url=target.source)
            return [*fetched, *await self._store.of(tenant_id, target.audiences, url_begins=item_url(target.source))]
        if target.audience is not None:
            return await self._store.of(tenant_id, (target.audience,))
        return ()

    async def named_in(self, tenant_id: str, audiences: Collection[str] | None, words: Words) -> NamedIn:
        return await self._naming(tenant_id, audiences, words, MAX_READ_CHARS)

    async def forget_named(self, tenant_id: str, audiences: Collection[str] | None, words: Words) -> int:
        found = await self._naming(tenant_id, audiences, words, math.inf)
        return await self._store.forget(tenant_id, found.document_ids) if found.document_ids else 0

    async def _naming(self, tenant_id: str, audiences: Collection[str] | None, words: Words, most_chars: float) -> NamedIn:
        """Look through texts until all are, or so many characters were read."""
        unread = await self._store.unread(tenant_id, audiences)
        found: list[int] = []
        chars, page = 0, [0]
        while words.phrases and page:
            page = [*await self._store.saying(tenant_id, audiences, words.phrases, page[-1], AT_ONCE)]
            for document_id in page:
                if chars >= most_chars:
                    return NamedIn(tuple(found), unread, is_all=False)
                text = await self._store.whole_text(tenant_id, document_id)
                chars += len(text)
                # Words of twenty million characters take seconds to compare.
                if await anyio.to_thread.run_sync(words.name_it, text):
                    found.append(document_id)
        return NamedIn(tuple(found), unread, is_all=True)
