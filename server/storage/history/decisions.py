"""What the gateway did not let through as it was asked, and why. Table: decision_log."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from server.storage.database import Database
from server.storage.history.tables import decision_log
from server.storage.row_mapping import RowMapping


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """Decisions of one kind about one person within an hour; times in microseconds since the epoch."""

    decision_id: str
    tenant: str
    subject: str
    client: str
    operation: str
    #: the code that the caller got
    decision: str
    reason: str
    count: int
    first_at: int
    last_at: int
    last_trace_id: str


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions; None: whichever."""

    since_us: int
    until_us: int
    tenant_id: str | None = None
    subject: str | None = None
    operation: str | None = None
    decision: str | None = None


_ROWS = RowMapping(KeptDecision)


class SqlDecisions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def decisions(self, which: DecisionFilter, limit: int, after: tuple[int, str] | None = None) -> Sequence[KeptDecision]:
        """Return decisions, those of last first; `after`: time and id of the last one of the page before."""
        c = decision_log.c
        query = select(decision_log).where(c.last_at >= which.since_us, c.last_at < which.until_us)
        for column, wanted in (
            (c.tenant, which.tenant_id),
            (c.subject, which.subject),
            (c.operation, which.operation),
            (c.decision, which.decision),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if after is not None:
            query = query.where((c.last_at < after[0]) | ((c.last_at == after[0]) & (c.decision_id > after[1])))
        query = query.order_by(c.last_at.desc(), c.decision_id).limit(limit)
        async with self._database.read() as connection:
            return [_ROWS.record(row) for row in await connection.execute(query)]

    async def decision(self, decision_id: str) -> KeptDecision | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(decision_log).where(decision_log.c.decision_id == decision_id))).first()
        return None if row is None else _ROWS.record(row)
