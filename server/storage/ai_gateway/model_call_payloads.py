"""Keep the words of model calls beside their rows, the newest of each tenant only."""

from collections.abc import Sequence

from sqlalchemy import Connection, Insert, delete, select

from server.storage.insertion import upsert
from server.storage.schema.ai_gateway_tables import model_call_payloads
from tools.ai_gateway.records.call_record import ModelCallRecord

#: of one tenant; 32 KiB each at most
MAX_PER_TENANT = 2_000


def keep_payloads(connection: Connection, records: Sequence[ModelCallRecord]) -> None:
    """Keep the words of those that have some, in the transaction of their rows; a tenant's oldest beyond `MAX_PER_TENANT` go."""
    rows = [
        {
            "tenant_id": record.tenant_id,
            "call_id": record.id,
            "at": record.at_us,
            "request": _storable(record.payload.request),
            "answer": _storable(record.payload.answer),
        }
        for record in records
        if record.payload is not None
    ]
    if not rows:
        return
    connection.execute(_insert(connection), rows)
    at, tenant = model_call_payloads.c.at, model_call_payloads.c.tenant_id
    for tenant_id in {record.tenant_id for record in records if record.payload is not None}:
        newest_too_many = select(at).where(tenant == tenant_id).order_by(at.desc()).offset(MAX_PER_TENANT).limit(1).scalar_subquery()
        connection.execute(delete(model_call_payloads).where(tenant == tenant_id, at <= newest_too_many))


def _insert(connection: Connection) -> Insert:
    table = model_call_payloads
    # A batch may be written twice, like its rows.
    return upsert(connection.dialect.name, table).on_conflict_do_nothing(index_elements=[table.c.tenant_id, table.c.call_id])


def _storable(text: str) -> str:
    # PostgreSQL has no text with a zero in it.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
