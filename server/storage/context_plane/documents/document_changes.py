"""Documents are added and deleted within a transaction that may be somebody else's too. Tables: documents and what belongs to them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from server.storage.context_plane.documents.document_rows import RECORD_COLUMNS, record_of, values_of
from server.storage.context_plane.revisions import next_revision
from server.storage.database import now_us
from server.storage.insertion import insert_in_thread
from server.storage.schema.document_tables import chunks, document_contents, documents, documents_gone
from tools.context_plane.rag.records import DocumentRecord
from tools.context_plane.rag.stores import AddedDocument
from tools.context_plane.stores import Scope
from tools.quotas import Quotas


def add_document(connection: Connection, scope: Scope, document: DocumentRecord, content: bytes, quotas: Quotas) -> AddedDocument:
    """Put a document into the queue, or give the one that has the same bytes. Raises QuotaExceeded."""
    c = documents.c
    same = (c.tenant_id == scope.tenant_id, c.audience == document.audience, c.sha256 == document.sha256)
    row = connection.execute(select(*RECORD_COLUMNS).where(*same)).first()
    if row is not None and row.status != "failed":
        return AddedDocument(record_of(row), is_new=False)
    _check_room(connection, scope, document.size_bytes, quotas)
    if row is not None:
        # The same bytes once more, after what was wrong with reading them may have been mended.
        connection.execute(delete(documents).where(*same))
    connection.execute(insert(documents).values(**values_of(scope.tenant_id, document, scope.subject)))
    kept = {"tenant_id": scope.tenant_id, "document_id": document.document_id, "content": content}
    connection.execute(insert(document_contents).values(**kept))
    return AddedDocument(document, is_new=True)


def _check_room(connection: Connection, scope: Scope, size_bytes: int, quotas: Quotas) -> None:
    c = documents.c
    query = select(func.count(), func.coalesce(func.sum(c.bytes), 0)).where(c.tenant_id == scope.tenant_id)
    whole, own = connection.execute(query).one(), connection.execute(query.where(c.added_by == scope.subject)).one()
    quotas.check_room((own[0] + 1, int(own[1]) + size_bytes), (whole[0] + 1, int(whole[1]) + size_bytes))


def delete_which(connection: Connection, tenant_id: str, *which: ColumnElement[bool]) -> int:
    """Delete the tenant's documents of which this holds, as a change of the tenant; return how many there were."""
    revision, c = next_revision(connection, tenant_id), documents.c
    rows = connection.execute(select(c.document_id, c.chunks).where(c.tenant_id == tenant_id, *which)).all()
    delete_documents(connection, tenant_id, [(row.document_id, row.chunks) for row in rows], revision)
    return len(rows)


def delete_documents(connection: Connection, tenant_id: str, gone: Sequence[tuple[int, int]], revision: int) -> None:
    """Delete documents, given as (document_id, chunks), with all that was made of them; their numbers are noted for indexes elsewhere."""
    if not gone:
        return
    document_ids = [document_id for document_id, _chunks in gone]
    for table in (documents, document_contents, chunks):
        connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.document_id.in_(document_ids)))
    own = {"tenant_id": tenant_id, "revision": revision, "gone_at": now_us()}
    insert_in_thread(connection, documents_gone, [own | {"document_id": number, "chunks": count} for number, count in gone])
