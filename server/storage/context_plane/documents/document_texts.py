"""Documents by what their texts say, for whoever forgets somebody, in SQL. Table: documents."""

from collections.abc import Collection, Sequence

from sqlalchemy import Text, cast, func, select

from server.storage.context_plane.documents.document_queue import DocumentQueue
from server.storage.context_plane.phrases import holding
from server.storage.schema.document_tables import documents

_C = documents.c


class DocumentTexts(DocumentQueue):
    """The part of `tools.context_plane.rag.stores.DocumentStore` that looks through texts."""

    async def saying(
        self, tenant_id: str, audiences: Collection[str] | None, phrases: Collection[str], after: int, limit: int
    ) -> Sequence[int]:
        # Labels are kept as JSON, in which one letter may be written as six.
        says = holding([_C.text, _C.name, _C.url], phrases) | holding([cast(_C.metadata, Text)], phrases, other="%")
        query = select(_C.document_id).where(_C.tenant_id == tenant_id, _C.document_id > after, says)
        if audiences is not None:
            query = query.where(_C.audience.in_(audiences))
        query = query.order_by(_C.document_id).limit(limit)
        return await self._database.look(lambda connection: connection.execute(query).scalars().all())

    async def whole_text(self, tenant_id: str, document_id: int) -> str:
        query = select(_C.name, _C.url, _C.metadata, _C.text).where(_C.tenant_id == tenant_id, _C.document_id == document_id)
        row = await self._database.look(lambda connection: connection.execute(query).first())
        if row is None:
            return ""
        return "\n".join([row.name, row.url, *(f"{label} {value}" for label, value in row.metadata.items()), row.text or ""])

    async def unread(self, tenant_id: str, audiences: Collection[str] | None) -> int:
        query = select(func.count()).where(_C.tenant_id == tenant_id, _C.status.in_(("queued", "parsing")))
        if audiences is not None:
            query = query.where(_C.audience.in_(audiences))
        return await self._database.look(lambda connection: connection.execute(query).scalar_one())
