"""What context_forget takes away of documents: one, those from one place, those of one audience."""

from collections.abc import Mapping, Sequence

from tools.context_plane.errors import nothing_there
from tools.context_plane.forgetting.forgetting import Target
from tools.context_plane.ids import DOCUMENT, id_number
from tools.context_plane.rag.stores import DocumentStore


class DocumentForgetting:
    """A ForgetsElsewhere. An entity or an episode has no documents of its own; `source` of a document is the URL it came from."""

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
        if target.source is not None:
            return await self._store.of(tenant_id, target.audiences, url=target.source)
        if target.audience is not None:
            return await self._store.of(tenant_id, (target.audience,))
        return ()
