"""Read, verify and shorten the audit trail; beside it stand the security events, which the OAuth parts write."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from oauth.audit import SecurityEvent
from server.storage.audit.chain import START, AuditRow, Broken, ChainCheck
from server.storage.audit.trail import CHAIN, ROWS
from server.storage.database import Database
from server.storage.oauth.rows import EVENTS
from server.storage.row_removal import remove_rows
from server.storage.schema.audit_tables import audit_ends, kv_audit
from server.storage.schema.oauth_tables import security_events
from server.storage.schema.platform_tables import tenants

PAGE_ROWS = 2_000
#: so many rows are removed at a time: nobody waits for longer than some milliseconds
SWEPT_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What following the trail from its first row found; `broken` None: it is whole."""

    rows: int
    last_seq: int
    last_hash: str
    #: rows up to here were removed because of their age
    swept_seq: int
    broken: Broken | None


class SqlAuditTrail:
    """The audit trail on SQL. Table: kv_audit, audit_ends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(
        self,
        *,
        tenant_id: str | None = None,
        with_predecessors: bool = False,
        since_us: int = 0,
        until_us: int | None = None,
        actor: str | None = None,
        surface: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 50,
    ) -> Sequence[AuditRow]:
        """Return rows, newest first; `tenant_id` None: of all tenants and of the gateway itself.

        `with_predecessors`: for an operator, also of tenants before it that had the name; nobody else sees what was theirs.
        """
        c = kv_audit.c
        query = select(kv_audit).where(c.at >= since_us).order_by(c.seq.desc()).limit(limit)
        for column, wanted in ((c.actor, actor), (c.surface, surface), (c.action, action)):
            if wanted is not None:
                query = query.where(column == wanted)
        if tenant_id is not None:
            query = query.where(c.tenant_id == tenant_id if with_predecessors else _is_of(tenant_id))
        if until_us is not None:
            query = query.where(c.at < until_us)
        if before_seq is not None:
            query = query.where(c.seq < before_seq)
        async with self._database.read() as connection:
            return [ROWS.record(found) for found in await connection.execute(query)]

    async def row(self, seq: int, tenant_id: str | None = None) -> AuditRow | None:
        """Return one row; None: there is none, or it is another tenant's."""
        query = select(kv_audit).where(kv_audit.c.seq == seq)
        if tenant_id is not None:
            query = query.where(_is_of(tenant_id))
        async with self._database.read() as connection:
            found = (await connection.execute(query)).first()
        return None if found is None else ROWS.record(found)

    async def of_trace(self, trace_id: str, tenant_id: str | None = None, limit: int = 200) -> Sequence[AuditRow]:
        """Return the rows of one trace, in order."""
        query = select(kv_audit).where(kv_audit.c.trace_id == trace_id, kv_audit.c.trace_id != "").order_by(kv_audit.c.seq).limit(limit)
        if tenant_id is not None:
            query = query.where(_is_of(tenant_id))
        async with self._database.read() as connection:
            return [ROWS.record(found) for found in await connection.execute(query)]

    async def security_events(self, *, tenant_id: str | None = None, since_us: int = 0, limit: int = 50) -> Sequence[SecurityEvent]:
        """Return what happened to clients, grants, tokens and sign-ins, newest first."""
        c = security_events.c
        query = select(security_events).where(c.at >= since_us).order_by(c.seq.desc()).limit(limit)
        if tenant_id is not None:
            query = query.where(c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            return [EVENTS.record(found) for found in (await connection.execute(query)).all()]

    async def note(self) -> None:
        """Put on record what is being done, where it changes nothing of this store: a file, the history."""
        await self._database.transact(lambda _connection: None)

    async def verify(self) -> Verified:
        """Follow the chain from its first row to its end."""
        return await self._database.look(_verified)

    async def sweep(self, before_us: int) -> int:
        """Remove rows and security events that are older, in steps; return how many rows.

        Where the trail begins from then on is kept, so it still verifies.
        """
        await remove_rows(self._database, security_events, security_events.c.at < before_us)
        removed = 0
        while (step := await self._database.transact(lambda connection: _swept(connection, before_us))) > 0:
            removed += step
        return removed


def _is_of(tenant_id: str) -> ColumnElement[bool]:
    """Return the condition of a tenant's own rows: none from before there was this one, when another may have had its name."""
    since_us = select(tenants.c.created_at).where(tenants.c.tenant_id == tenant_id).scalar_subquery()
    return and_(kv_audit.c.tenant_id == tenant_id, kv_audit.c.at >= since_us)


def _verified(connection: Connection) -> Verified:
    ends = connection.execute(select(audit_ends).where(audit_ends.c.name == CHAIN)).first()
    swept_seq, swept_hash = (ends.swept_seq, ends.swept_hash) if ends is not None else (0, START)
    last_seq, last_hash = (ends.last_seq, ends.last_hash) if ends is not None else (0, START)
    check = ChainCheck(swept_seq, swept_hash)
    while True:
        query = select(kv_audit).where(kv_audit.c.seq > check.seq).order_by(kv_audit.c.seq).limit(PAGE_ROWS)
        page = [(ROWS.record(found), found.hash) for found in connection.execute(query)]
        if not page:
            break
        if (broken := check.broken(page)) is not None:
            return Verified(check.rows, last_seq, last_hash, swept_seq, broken)
    at_end = None
    if (check.seq, check.hash) != (last_seq, last_hash):
        at_end = Broken(check.seq + 1, f"the trail ends at {check.seq}, and {last_seq} rows were written")
    return Verified(check.rows, last_seq, last_hash, swept_seq, at_end)


def _swept(connection: Connection, before_us: int) -> int:
    ends = connection.execute(select(audit_ends).where(audit_ends.c.name == CHAIN).with_for_update()).first()
    if ends is None:
        return 0
    query = select(kv_audit.c.seq, kv_audit.c.at, kv_audit.c.hash).where(kv_audit.c.seq > ends.swept_seq).order_by(kv_audit.c.seq)
    old = []
    for found in connection.execute(query.limit(SWEPT_ROWS)):
        # Clocks of nodes differ: the trail is cut at its first row that stays, whatever stands behind it.
        if found.at >= before_us:
            break
        old.append(found)
    if not old:
        return 0
    last = old[-1]
    connection.execute(delete(kv_audit).where(kv_audit.c.seq <= last.seq))
    connection.execute(update(audit_ends).where(audit_ends.c.name == CHAIN).values(swept_seq=last.seq, swept_hash=last.hash))
    return len(old)
