"""Documents on record, in SQL. Tables: documents, document_contents, chunks, documents_gone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from server.storage.context_plane.documents.document_changes import add_document, delete_documents, delete_which
from server.storage.context_plane.documents.document_queue import forget_content, held_by
from server.storage.context_plane.documents.document_rows import (
    RECORD_COLUMNS,
    among,
    fitting,
    numbers_of,
    record_of,
    seen_by,
)
from server.storage.context_plane.documents.document_texts import DocumentTexts
from server.storage.context_plane.revisions import next_revision, revision_of
from server.storage.database import Database, now_us
from server.storage.insertion import insert_in_thread
from server.storage.row_removal import remove_rows
from server.storage.schema.document_tables import chunks, document_contents, documents, documents_gone
from tools.context_plane.rag.records import DocumentFilter, DocumentRecord, Passage, document_of
from tools.context_plane.rag.stores import AddedDocument, ClaimedDocument, DocumentNews, IndexedDocument, ReadDocument
from tools.context_plane.stores import Scope
from tools.quotas import Quotas


class SqlDocumentStore(DocumentTexts):
    """Keeps `tools.context_plane.rag.stores.DocumentStore`."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        super().__init__(database)
        self._quotas = quotas

    async def add(self, scope: Scope, document: DocumentRecord, content: bytes) -> AddedDocument:
        def work(connection: Connection) -> AddedDocument:
            return add_document(connection, scope, document, content, self._quotas)

        try:
            return await self._database.transact(work)
        except IntegrityError:
            return await self._database.transact(work)  # Somebody else sent the same bytes in the same moment: now they are there.

    async def finish(self, claimed: ClaimedDocument, read: ReadDocument) -> bool:
        tenant_id, document = claimed.tenant_id, claimed.document
        c = documents.c

        def work(connection: Connection) -> bool:
            revision = next_revision(connection, tenant_id)
            same_name = (c.tenant_id == tenant_id, c.audience == document.audience, c.name == document.name)
            others = (*same_name, c.document_id != document.document_id, c.status == "ready")
            newer = select(c.document_id).where(*others, c.created_at > document.created_at_us)
            if connection.execute(newer).first() is not None:
                # A newer version was faster: this one is replaced before it was ever there.
                delete_documents(connection, tenant_id, [(document.document_id, 0)], revision)
                return False
            ready = {
                "status": "ready",
                "media_type": read.media_type,
                "text": read.text,
                "ready_at": now_us(),
                "chars": len(read.text),
                "pages": read.pages,
                "chunks": len(read.chunks),
                "notes": orjson.dumps(read.notes).decode(),
                "changed_in": revision,
                "claim": None,
                "claimed_until": None,
            }
            if connection.execute(update(documents).where(*held_by(claimed)).values(**ready)).rowcount != 1:
                return False
            own = {"tenant_id": tenant_id, "document_id": document.document_id}
            rows = [
                own | {"n": n, "start": each.start, "end": each.end, "page": each.page, "heading": each.heading}
                for n, each in enumerate(read.chunks, 1)
            ]
            insert_in_thread(connection, chunks, rows)
            forget_content(connection, tenant_id, document.document_id)
            replaced = connection.execute(select(c.document_id, c.chunks).where(*others)).all()
            delete_documents(connection, tenant_id, [(row.document_id, row.chunks) for row in replaced], revision)
            return True

        return await self._database.transact(work)

    async def get(self, scope: Scope, document_id: int) -> DocumentRecord | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(*RECORD_COLUMNS).where(seen_by(scope), documents.c.document_id == document_id))).first()
        return None if row is None else record_of(row)

    async def list(self, scope: Scope, before: tuple[int, int] | None, limit: int) -> Sequence[DocumentRecord]:
        c = documents.c
        query = select(*RECORD_COLUMNS).where(seen_by(scope)).order_by(c.created_at.desc(), c.document_id.desc()).limit(limit)
        if before is not None:
            query = query.where(tuple_(c.created_at, c.document_id) < before)
        async with self._database.read() as connection:
            return [record_of(row) for row in (await connection.execute(query)).all()]

    async def find(self, scope: Scope, wanted: DocumentFilter, most: int) -> Sequence[int]:
        c = documents.c
        of_scope = (c.tenant_id == scope.tenant_id, seen_by(scope), c.status == "ready")
        query = select(c.document_id).where(*of_scope, *fitting(wanted)).limit(most)
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalars().all()

    async def delete(self, scope: Scope, document_id: int) -> bool:
        return await self._delete(scope.tenant_id, seen_by(scope), documents.c.document_id == document_id) > 0

    async def of(
        self,
        tenant_id: str,
        audiences: Collection[str] | None,
        *,
        document_id: int | None = None,
        url: str | None = None,
        url_begins: str | None = None,
    ) -> Sequence[int]:
        c = documents.c
        query = select(c.document_id).where(c.tenant_id == tenant_id)
        if audiences is not None:
            query = query.where(c.audience.in_(audiences))
        if document_id is not None:
            query = query.where(c.document_id == document_id)
        if url is not None:
            query = query.where(c.url == url)
        if url_begins is not None:
            query = query.where(c.url.startswith(url_begins, autoescape=True))
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalars().all()

    async def forget(self, tenant_id: str, document_ids: Collection[int]) -> int:
        return await self._delete(tenant_id, documents.c.document_id.in_(document_ids))

    async def _delete(self, tenant_id: str, *which: ColumnElement[bool]) -> int:
        return await self._database.transact(lambda connection: delete_which(connection, tenant_id, *which))

    async def purge(self) -> None:
        await self._database.overwrite([table.name for table in (documents, document_contents, chunks)])

    async def forget_gone_before(self, time_us: int) -> None:
        """Forget the numbers of documents of all tenants that were deleted earlier: every index has heard of them."""
        await remove_rows(self._database, documents_gone, documents_gone.c.gone_at < time_us)

    async def passages(self, scope: Scope, rows: Collection[int]) -> Mapping[int, Passage]:
        return await self._passages(scope.tenant_id, rows, seen_by(scope))

    async def passages_of_all(self, tenant_id: str, rows: Collection[int]) -> Mapping[int, Passage]:
        return await self._passages(tenant_id, rows, documents.c.tenant_id == tenant_id)

    async def _passages(self, tenant_id: str, rows: Collection[int], seen: ColumnElement[bool]) -> Mapping[int, Passage]:
        if not rows:
            return {}
        wanted = [(document_of(row), row - document_of(row)) for row in rows]
        text = func.substr(documents.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("passage")
        joined = chunks.join(documents, (chunks.c.tenant_id == documents.c.tenant_id) & (chunks.c.document_id == documents.c.document_id))
        query = select(chunks, documents.c.name, text).select_from(joined).where(seen, chunks.c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            found = (await connection.execute(query.where(among(wanted, chunks.c.document_id, chunks.c.n)))).all()
        return {row.document_id + row.n: _passage(row, row.name, row.passage) for row in found}

    async def revision(self, tenant_id: str) -> int:
        async with self._database.read() as connection:
            return await connection.run_sync(revision_of, tenant_id)

    async def documents_since(self, tenant_id: str, revision: int, most_chunks: int) -> DocumentNews:
        async with self._database.read() as connection:
            return await connection.run_sync(_news, tenant_id, revision, most_chunks)


def _news(connection: Connection, tenant_id: str, revision: int, most_chunks: int) -> DocumentNews:
    c, newest = documents.c, revision_of(connection, tenant_id)
    ready = select(c.document_id, c.chunks, c.changed_in).where(c.tenant_id == tenant_id, c.changed_in > revision).order_by(c.changed_in)
    taken: list[int] = []
    upto, left = newest, most_chunks
    for row in connection.execute(ready):
        if taken and row.chunks > left:
            break
        taken.append(row.document_id)
        left -= row.chunks
        upto = row.changed_in
    else:
        upto = newest
    g = documents_gone.c
    gone = select(g.document_id, g.chunks).where(g.tenant_id == tenant_id, g.revision > revision, g.revision <= upto)
    return DocumentNews(
        ready=tuple(_indexed(connection, tenant_id, document_id) for document_id in taken),
        gone=tuple(numbers_of(row.document_id, row.chunks) for row in connection.execute(gone)),
        revision=upto,
        is_all=upto == newest,
    )


def _indexed(connection: Connection, tenant_id: str, document_id: int) -> IndexedDocument:
    c = documents.c
    row: Any = connection.execute(select(*documents.c).where(c.tenant_id == tenant_id, c.document_id == document_id)).one()
    of_it = select(chunks).where(chunks.c.tenant_id == tenant_id, chunks.c.document_id == document_id).order_by(chunks.c.n)
    passages = tuple(_passage(each, row.name, row.text[each.start : each.end]) for each in connection.execute(of_it))
    return IndexedDocument(record_of(row), passages)


def _passage(row: Any, name: str, text: str) -> Passage:
    return Passage(
        row=row.document_id + row.n,
        document_id=row.document_id,
        name=name,
        heading=row.heading,
        page=row.page,
        start=row.start,
        end=row.end,
        text=text,
    )
