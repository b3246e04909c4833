"""Append to the audit trail, within the transaction that changes what it tells of.

Each row's hash covers the row and the hash before it, so that a row which is changed, removed or put in between shows
(server/storage/audit/chain.py). Rows of one store are one chain: whoever appends waits for whoever appended before.
"""

import orjson
from sqlalchemy import Connection, select, update

from server.audited import MAX_DETAILS, Audited, short, unrecorded
from server.storage.audit.chain import START, AuditRow, hash_of
from server.storage.insertion import insert_in_thread, upsert
from server.storage.row_mapping import Conversion, RowMapping
from server.storage.schema.audit_tables import audit_ends, kv_audit

CHAIN = "trail"
ROWS = RowMapping(AuditRow, at_us=Conversion(int, int, "at"))


def append_audited(connection: Connection, now_us: int) -> None:
    """Put on record what this transaction is part of, where that is not on record yet (server/audited.py)."""
    what = unrecorded()
    # Whoever is nobody yet leaves a security event at most: strangers could fill what is kept for four hundred days.
    if what is None or not what.actor:
        return
    append(connection, what, now_us)
    # Before the commit: a commit that fails takes the row with it, and whoever tries again says anew what they do.
    what.is_recorded = True


def append(connection: Connection, what: Audited, now_us: int) -> None:
    """Append a row; the end of the trail is locked until the transaction ends."""
    last_seq, last_hash = _end(connection)
    row = AuditRow(
        seq=last_seq + 1,
        at_us=now_us,
        tenant_id=what.tenant_id[:64],
        actor=short(what.actor),
        surface=what.surface,
        action=short(what.action),
        target=short(what.target),
        details=orjson.dumps({name: short(text) for name, text in list(what.details.items())[:MAX_DETAILS]}).decode(),
        trace_id=what.trace_id[:32],
    )
    sealed = hash_of(row, last_hash)
    insert_in_thread(connection, kv_audit, [{**ROWS.values(row), "hash": sealed}])
    connection.execute(update(audit_ends).where(audit_ends.c.name == CHAIN).values(last_seq=row.seq, last_hash=sealed))


def _end(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the last row, and keep others from appending until this transaction ends."""
    query = select(audit_ends.c.last_seq, audit_ends.c.last_hash).where(audit_ends.c.name == CHAIN).with_for_update()
    found = connection.execute(query).first()
    if found is None:
        first = upsert(connection.dialect.name, audit_ends).values(name=CHAIN, last_seq=0, last_hash=START, swept_seq=0, swept_hash=START)
        connection.execute(first.on_conflict_do_nothing(index_elements=[audit_ends.c.name]))
        found = connection.execute(query).one()
    return int(found.last_seq), str(found.last_hash)
