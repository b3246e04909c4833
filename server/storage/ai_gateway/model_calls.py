"""Keep model calls: ModelCallStore on SQL. Rows and the settlement of their reservations are one transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Row, Select, String, and_, case, cast, func, literal, or_, select, text

from server.storage.ai_gateway.model_call_payloads import keep_payloads
from server.storage.ai_gateway.model_call_rows import call_of, call_values
from server.storage.database import Database
from server.storage.insertion import upsert
from server.storage.metering.settling import settle
from server.storage.row_removal import remove_rows
from server.storage.schema.ai_gateway_tables import caller_keys, model_call_payloads, model_calls
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.stores import ClosedCall, ModelUsage, UsageBy
from tools.metering.spending import BudgetAlert

MAX_ROWS = 1_000


class SqlModelCallStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        insert = upsert(database.dialect, model_calls)
        # One that is there stays as it is: who does not know whether a batch was written writes it again.
        self._insert = insert.on_conflict_do_nothing(index_elements=[model_calls.c.tenant_id, model_calls.c.call_id])

    async def append(self, closed: Sequence[ClosedCall]) -> Sequence[BudgetAlert]:
        if not closed:
            return []
        rows = [call_values(each.record) for each in closed]
        settlements = [each.settlement for each in closed if each.settlement is not None]

        def written(connection: Connection) -> list[BudgetAlert]:
            alerts = settle(connection, settlements)
            connection.execute(self._insert, rows)
            keep_payloads(connection, [each.record for each in closed])
            return alerts

        return await self._database.transact(written)

    async def recent(
        self, tenant_id: str | None, limit: int, gateway: str | None = None, before: tuple[int, str] | None = None
    ) -> Sequence[ModelCallRecord]:
        at, call_id = model_calls.c.at, model_calls.c.call_id
        query = _with_payloads().order_by(at.desc(), call_id.desc()).limit(min(limit, MAX_ROWS))
        if before is not None:
            query = query.where(or_(at < before[0], and_(at == before[0], call_id < before[1])))
        if tenant_id is not None:
            query = query.where(model_calls.c.tenant_id == tenant_id)
        if gateway is not None:
            query = query.where(model_calls.c.gateway == gateway)
        async with self._database.read() as connection:
            return [call_of(row) for row in await connection.execute(query)]

    async def of_trace(self, trace_id: str, tenant_id: str | None = None, limit: int = 1_000) -> Sequence[ModelCallRecord]:
        """Return the calls of one trace in the order of time; `tenant_id` None: whose they are, the operator sees."""
        query = _with_payloads().where(model_calls.c.trace_id == trace_id).order_by(model_calls.c.at, model_calls.c.call_id).limit(limit)
        if tenant_id is not None:
            query = query.where(model_calls.c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            return [call_of(row) for row in await connection.execute(query)]

    async def find(self, tenant_id: str, call_id: str) -> ModelCallRecord | None:
        query = _with_payloads().where(model_calls.c.tenant_id == tenant_id, model_calls.c.call_id == call_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else call_of(row)

    async def usage(self, by: UsageBy, tenant_id: str | None, since_us: int, until_us: int | None = None) -> Sequence[ModelUsage]:
        of = self._told_apart_by(by).label("subject")
        cost = func.coalesce(func.sum(model_calls.c.cost_nano_usd), 0).label("cost_nano_usd")
        query = select(
            of,
            func.count().label("calls"),
            func.sum(case((model_calls.c.outcome == "ok", 0), else_=1)).label("errors"),
            func.sum(model_calls.c.input_tokens).label("input_tokens"),
            func.sum(model_calls.c.cached_input_tokens).label("cached_input_tokens"),
            func.sum(model_calls.c.output_tokens).label("output_tokens"),
            cost,
            func.sum(case((model_calls.c.cost_nano_usd.is_(None), 1), else_=0)).label("unpriced"),
        ).where(model_calls.c.at >= since_us)
        if by == "key":
            its_key = (caller_keys.c.tenant_id == model_calls.c.tenant_id) & (caller_keys.c.key_id == model_calls.c.key_id)
            query = query.select_from(model_calls.outerjoin(caller_keys, its_key))
        if tenant_id is not None:
            query = query.where(model_calls.c.tenant_id == tenant_id)
        if until_us is not None:
            query = query.where(model_calls.c.at < until_us)
        query = query.group_by(text("subject")).order_by(of.desc() if by == "day" else cost.desc(), of).limit(MAX_ROWS)
        async with self._database.read() as connection:
            return [_usage(row) for row in await connection.execute(query)]

    async def forget_before(self, time_us: int) -> int:
        await remove_rows(self._database, model_call_payloads, model_call_payloads.c.at < time_us)
        return await remove_rows(self._database, model_calls, model_calls.c.at < time_us)

    def _told_apart_by(self, by: UsageBy) -> ColumnElement[Any]:
        calls = model_calls.c
        if by == "day":
            seconds = calls.at // literal(1_000_000)
            return func.date(seconds, "unixepoch") if self._database.is_sqlite else cast(cast(_utc(seconds), Date), String)
        if by == "key":
            # By its name, which people know; keys of one name are one, and a call without a key has none.
            return func.coalesce(caller_keys.c.name, calls.key_id)
        if by == "model":
            return case((calls.provider == "", calls.model), else_=calls.provider + "/" + calls.model)
        return calls.provider if by == "provider" else calls.user


def _with_payloads() -> Select[Any]:
    calls, payloads = model_calls.c, model_call_payloads.c
    joined = model_calls.outerjoin(model_call_payloads, (calls.tenant_id == payloads.tenant_id) & (calls.call_id == payloads.call_id))
    return select(model_calls, payloads.request, payloads.answer).select_from(joined)


def _utc(seconds: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.timezone("UTC", func.to_timestamp(seconds))


def _usage(row: Row[Any]) -> ModelUsage:
    return ModelUsage(
        of=row.subject,
        calls=row.calls,
        errors=row.errors,
        input_tokens=int(row.input_tokens),
        cached_input_tokens=int(row.cached_input_tokens),
        output_tokens=int(row.output_tokens),
        cost_nano_usd=int(row.cost_nano_usd),
        unpriced=row.unpriced,
    )
