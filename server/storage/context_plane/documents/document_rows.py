"""Between rows of documents and their records."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, and_, or_

from server.storage.schema.document_tables import documents
from tools.context_plane.rag.records import CHUNK_BITS, DocumentFailure, DocumentFilter, DocumentRecord
from tools.context_plane.stores import Scope

#: everything of a document but its text
RECORD_COLUMNS = [column for column in documents.c if column.name != "text"]


def values_of(tenant_id: str, document: DocumentRecord, added_by: str) -> dict[str, Any]:
    """Return the row of a document that begins to wait."""
    return {
        "tenant_id": tenant_id,
        "document_id": document.document_id,
        "audience": document.audience,
        "added_by": added_by,
        "name": document.name,
        "media_type": document.media_type,
        "sha256": document.sha256,
        "bytes": document.size_bytes,
        "status": "queued",
        "metadata": dict(document.metadata),
        "url": document.url,
        "created_at": document.created_at_us,
        "chars": 0,
        "pages": 0,
        "chunks": 0,
        "notes": "[]",
        "attempts": 0,
    }


def record_of(row: Row[Any]) -> DocumentRecord:
    """Return the record of a row of `RECORD_COLUMNS`."""
    return DocumentRecord(
        document_id=row.document_id,
        audience=row.audience,
        name=row.name,
        media_type=row.media_type,
        sha256=row.sha256,
        size_bytes=row.bytes,
        created_at_us=row.created_at,
        status=row.status,
        error=DocumentFailure(**orjson.loads(row.error)) if row.error is not None else None,
        metadata=row.metadata,
        url=row.url,
        ready_at_us=row.ready_at,
        chars=row.chars,
        pages=row.pages,
        chunks=row.chunks,
        notes=tuple(orjson.loads(row.notes)),
    )


def seen_by(scope: Scope) -> ColumnElement[bool]:
    """Say which documents `scope` may see."""
    return and_(documents.c.tenant_id == scope.tenant_id, documents.c.audience.in_(scope.audiences))


def fitting(wanted: DocumentFilter) -> Sequence[ColumnElement[bool]]:
    """Return what the rows must satisfy that fit a filter."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.document_ids:
        conditions.append(documents.c.document_id.in_(wanted.document_ids))
    if wanted.names:
        conditions.append(documents.c.name.in_(wanted.names))
    if wanted.media_types:
        conditions.append(documents.c.media_type.in_(wanted.media_types))
    for key, value in wanted.metadata.items():
        member = documents.c["metadata"][key]
        if isinstance(value, bool):
            conditions.append(member.as_boolean() == value)
        elif isinstance(value, str):
            conditions.append(member.as_string() == value)
        else:
            conditions.append(member.as_float() == float(value))
    return conditions


def numbers_of(document_id: int, chunks: int) -> range:
    """Return the numbers of a document's chunks."""
    return range(document_id + 1, document_id + 1 + min(chunks, (1 << CHUNK_BITS) - 1))


def among(rows: Sequence[tuple[int, int]], document_id: ColumnElement[Any], n: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say which chunks are among (document_id, n) pairs."""
    by_document: dict[int, list[int]] = {}
    for document, number in rows:
        by_document.setdefault(document, []).append(number)
    return or_(*(and_(document_id == document, n.in_(numbers)) for document, numbers in by_document.items()))
