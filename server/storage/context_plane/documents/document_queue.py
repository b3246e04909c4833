"""Documents that wait to be read, in SQL: whose turn it is, and who reads what until when."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, or_, select, update

from server.storage.context_plane.documents.document_rows import RECORD_COLUMNS, record_of
from server.storage.database import Database, now_us
from server.storage.schema.document_tables import document_contents, documents
from tools.context_plane.ids import new_id
from tools.context_plane.rag.records import DocumentFailure
from tools.context_plane.rag.stores import ClaimedDocument


class DocumentQueue:
    """The half of the DocumentStore that readers use. Rows of all tenants, on purpose: readers serve everybody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, tenant_ids_last: Sequence[str], lease_s: float) -> ClaimedDocument | None:
        def work(connection: Connection) -> ClaimedDocument | None:
            now = now_us()
            c = documents.c
            is_waiting = or_(c.status == "queued", (c.status == "parsing") & (c.claimed_until < now))
            oldest = select(c.tenant_id, func.min(c.created_at)).where(is_waiting).group_by(c.tenant_id)
            waiting = {row[0]: row[1] for row in connection.execute(oldest)}
            if not waiting:
                return None
            place = {tenant_id: at for at, tenant_id in enumerate(tenant_ids_last)}
            tenant_id = min(waiting, key=lambda each: (place.get(each, -1), waiting[each]))
            query = select(c.document_id).where(c.tenant_id == tenant_id, is_waiting).order_by(c.created_at, c.document_id).limit(1)
            # In PostgreSQL another process may be taking the same one; in SQLite this is the only writer.
            document_id = connection.execute(query.with_for_update(skip_locked=True)).scalar()
            if document_id is None:
                return None
            its_own = (c.tenant_id == tenant_id, c.document_id == document_id)
            claim = new_id()
            taken = {"status": "parsing", "claim": claim, "claimed_until": now + round(lease_s * 1_000_000), "attempts": c.attempts + 1}
            connection.execute(update(documents).where(*its_own).values(**taken))
            row = connection.execute(select(*RECORD_COLUMNS).where(*its_own)).one()
            d = document_contents.c
            content = connection.execute(select(d.content).where(d.tenant_id == tenant_id, d.document_id == document_id)).scalar()
            return ClaimedDocument(tenant_id=tenant_id, document=record_of(row), content=content or b"", claim=claim, attempt=row.attempts)

        return await self._database.transact(work)

    async def fail(self, claimed: ClaimedDocument, failure: DocumentFailure) -> None:
        said = orjson.dumps({"code": failure.code, "message": failure.message, "hint": failure.hint}).decode()

        def work(connection: Connection) -> None:
            if _end_claim(connection, claimed, status="failed", error=said):
                forget_content(connection, claimed.tenant_id, claimed.document.document_id)

        await self._database.transact(work)

    async def give_back(self, claimed: ClaimedDocument, *, was_tried: bool) -> None:
        attempts = claimed.attempt if was_tried else claimed.attempt - 1
        await self._database.transact(lambda connection: _end_claim(connection, claimed, status="queued", attempts=attempts))


def _end_claim(connection: Connection, claimed: ClaimedDocument, **values: Any) -> bool:
    of_tenant = documents.c.tenant_id == claimed.tenant_id
    statement = update(documents).where(of_tenant, *held_by(claimed)).values(claim=None, claimed_until=None, **values)
    return connection.execute(statement).rowcount == 1


def held_by(claimed: ClaimedDocument) -> tuple[Any, ...]:
    """Say which row is a claimed document's, as long as nobody else claimed or deleted it."""
    c = documents.c
    return (c.tenant_id == claimed.tenant_id, c.document_id == claimed.document.document_id, c.claim == claimed.claim)


def forget_content(connection: Connection, tenant_id: str, document_id: int) -> None:
    """Delete the bytes of a document."""
    c = document_contents.c
    connection.execute(delete(document_contents).where(c.tenant_id == tenant_id, c.document_id == document_id))
