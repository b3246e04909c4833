"""What calls leave behind, in SQL: kept results, idempotency keys and plans. Handles and keys are stored hashed."""

import hashlib
import secrets
from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.quota import make_room
from server.storage.row_removal import remove_rows
from server.storage.schema.tool_tables import idempotency_keys, pending_plans, plan_steps, plans, results, tasks
from tools.quotas import PLANS, RECORDS, RESULTS, SMALL_RECORD_BYTES, Quotas, keys_exceeded
from tools.stores import KeyConflict, KeyInFlight

#: Longer than any outbound call may take (30 s): a claim that old belongs to a process that died.
CLAIM_US = 45 * 1_000_000
_STEP_BYTES = select(func.coalesce(func.sum(func.length(plan_steps.c.result)), 0)).where(
    plan_steps.c.handle_hash == plans.c.handle_hash, plan_steps.c.tenant_id == plans.c.tenant_id
)
_PLAN_BYTES = func.length(plans.c.plan) + _STEP_BYTES.scalar_subquery()


class SqlResultStore:
    """ResultStore on the database."""

    def __init__(self, database: Database, quotas: Quotas = RESULTS) -> None:
        self._database, self._quotas = database, quotas

    async def put(self, principal: Principal, body: bytes, media_type: str, ttl_s: float) -> str:
        handle = f"r_{secrets.token_urlsafe(24)}"
        async with self._database.write() as connection:
            await make_room(connection, results, func.length(results.c.body), self._quotas, principal, len(body))
            await connection.execute(
                insert(results).values(
                    handle_hash=_hashed(handle),
                    tenant_id=principal.tenant_id,
                    subject=principal.subject,
                    media_type=media_type,
                    body=body,
                    expires_at=now_us() + int(ttl_s * 1_000_000),
                )
            )
        return handle

    async def get(self, principal: Principal, handle: str) -> tuple[bytes, str] | None:
        async with self._database.read() as connection:
            row = (
                await connection.execute(
                    select(results.c.body, results.c.media_type).where(
                        results.c.handle_hash == _hashed(handle),
                        results.c.tenant_id == principal.tenant_id,
                        results.c.subject == principal.subject,
                        results.c.expires_at > now_us(),
                    )
                )
            ).one_or_none()
        return None if row is None else (row.body, row.media_type)


class SqlIdempotencyStore:
    """IdempotencyStore on the database: a claim is one row, and the row's primary key is the mutual exclusion."""

    def __init__(self, database: Database, quotas: Quotas = RECORDS) -> None:
        self._database, self._quotas = database, quotas

    async def begin(self, principal: Principal, key: str, request_hash: str, ttl_s: float) -> bytes | None:
        now = now_us()
        mine = _mine(principal, key)
        async with self._database.write() as connection:
            row = (await connection.execute(select(idempotency_keys).where(mine).with_for_update())).one_or_none()
            if row is not None and row.expires_at > now:
                if row.request_hash != request_hash:
                    raise KeyConflict
                if row.outcome is not None:
                    return bytes(row.outcome)
                if row.claimed_until > now:
                    raise KeyInFlight
            values = {
                "request_hash": request_hash,
                "outcome": None,
                "claimed_until": now + CLAIM_US,
                "expires_at": now + int(ttl_s * 1_000_000),
            }
            if row is not None:
                await connection.execute(update(idempotency_keys).where(mine).values(**values))
                return None
            await self._check_room(connection, principal)
            new = insert(idempotency_keys).values(tenant_id=principal.tenant_id, subject=principal.subject, key_hash=_hashed(key), **values)
            try:
                await connection.execute(new)
            except IntegrityError as error:
                # PostgreSQL: another process inserted it between our look and our write.
                raise KeyInFlight from error
        return None

    async def _check_room(self, connection: AsyncConnection, principal: Principal) -> None:
        """Raise QuotaExceeded where a person or a tenant has as many keys as it may; counts in the primary key's index, no further."""
        own = and_(idempotency_keys.c.tenant_id == principal.tenant_id, idempotency_keys.c.subject == principal.subject)
        of_tenant = idempotency_keys.c.tenant_id == principal.tenant_id
        for which, most in ((own, self._quotas.person.count), (of_tenant, self._quotas.tenant.count)):
            some = select(idempotency_keys.c.tenant_id).where(which).limit(most).subquery()
            if (await connection.execute(select(func.count()).select_from(some))).scalar_one() >= most:
                raise keys_exceeded(most, in_tenant=which is not own)

    async def finish(self, principal: Principal, key: str, outcome: bytes) -> None:
        async with self._database.write() as connection:
            if len(outcome) > SMALL_RECORD_BYTES:
                await self._check_bytes(connection, principal, len(outcome))
            await connection.execute(update(idempotency_keys).where(_mine(principal, key)).values(outcome=outcome))

    async def _check_bytes(self, connection: AsyncConnection, principal: Principal, size_bytes: int) -> None:
        """Raise QuotaExceeded where the answers on record take as much as they may."""
        size = func.coalesce(func.sum(func.length(idempotency_keys.c.outcome)), 0)
        of_tenant = idempotency_keys.c.tenant_id == principal.tenant_id
        for which in (and_(of_tenant, idempotency_keys.c.subject == principal.subject), of_tenant):
            used = int((await connection.execute(select(size).where(which))).scalar_one())
            self._quotas.check_bytes(used + size_bytes, in_tenant=which is of_tenant)

    async def abandon(self, principal: Principal, key: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(idempotency_keys).where(_mine(principal, key)))


class SqlPlanStore:
    """PlanStore on the database. A plan counts with the results of its steps."""

    def __init__(self, database: Database, quotas: Quotas = PLANS) -> None:
        self._database, self._quotas = database, quotas

    async def open(self, principal: Principal, plan: bytes, ttl_s: float) -> str:
        handle = f"x_{secrets.token_urlsafe(24)}"
        async with self._database.write() as connection:
            await self._make_room(connection, principal, len(plan))
            await connection.execute(
                insert(plans).values(
                    handle_hash=_hashed(handle),
                    tenant_id=principal.tenant_id,
                    subject=principal.subject,
                    plan=plan,
                    expires_at=now_us() + int(ttl_s * 1_000_000),
                )
            )
        return handle

    async def save_step(self, principal: Principal, handle: str, step_id: str, result: bytes) -> None:
        """Record a step of a plan that is the principal's own; of any other, nothing happens."""
        hashed = _hashed(handle)
        step = and_(plan_steps.c.handle_hash == hashed, plan_steps.c.step_id == step_id, plan_steps.c.tenant_id == principal.tenant_id)
        async with self._database.write() as connection:
            if (await connection.execute(select(plans.c.handle_hash).where(_own_plan(principal, handle)))).one_or_none() is None:
                return
            await self._make_room(connection, principal, len(result), keep=hashed)
            if (await connection.execute(update(plan_steps).where(step).values(result=result))).rowcount == 0:
                await connection.execute(
                    insert(plan_steps).values(handle_hash=hashed, step_id=step_id, tenant_id=principal.tenant_id, result=result)
                )

    async def _make_room(self, connection: AsyncConnection, principal: Principal, size_bytes: int, keep: str | None = None) -> None:
        gone = await make_room(connection, plans, _PLAN_BYTES, self._quotas, principal, size_bytes, keep=keep)
        if gone:
            of_tenant = plan_steps.c.tenant_id == principal.tenant_id
            await connection.execute(delete(plan_steps).where(of_tenant, plan_steps.c.handle_hash.in_(gone)))

    async def load(self, principal: Principal, handle: str) -> tuple[bytes, Mapping[str, bytes]] | None:
        async with self._database.read() as connection:
            plan = (await connection.execute(select(plans.c.plan).where(_own_plan(principal, handle)))).scalar_one_or_none()
            if plan is None:
                return None
            rows = await connection.execute(
                select(plan_steps.c.step_id, plan_steps.c.result).where(
                    plan_steps.c.handle_hash == _hashed(handle), plan_steps.c.tenant_id == principal.tenant_id
                )
            )
            return plan, {row.step_id: row.result for row in rows}


async def sweep_calls(database: Database) -> None:
    """Forget what has expired: results, keys, tasks and plans with their steps, of all tenants."""
    now = now_us()
    await remove_rows(database, plan_steps, plan_steps.c.handle_hash.in_(select(plans.c.handle_hash).where(plans.c.expires_at < now)))
    for table in (plans, pending_plans, results, idempotency_keys, tasks):
        await remove_rows(database, table, table.c.expires_at < now)


async def forget_answers(database: Database, tenant_id: str) -> None:
    """Forget what a tenant's calls left behind and may quote what is to be forgotten: kept results, tasks, and plans with their steps.

    Keys of writes stay: they hold no answer of the context plane, and without them a write would happen twice.
    """
    async with database.write() as connection:
        for table in (plan_steps, plans, pending_plans, results, tasks):
            await connection.execute(delete(table).where(table.c.tenant_id == tenant_id))


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _mine(principal: Principal, key: str) -> ColumnElement[bool]:
    return and_(
        idempotency_keys.c.tenant_id == principal.tenant_id,
        idempotency_keys.c.subject == principal.subject,
        idempotency_keys.c.key_hash == _hashed(key),
    )


def _own_plan(principal: Principal, handle: str) -> ColumnElement[bool]:
    return and_(
        plans.c.handle_hash == _hashed(handle),
        plans.c.tenant_id == principal.tenant_id,
        plans.c.subject == principal.subject,
        plans.c.expires_at > now_us(),
    )
