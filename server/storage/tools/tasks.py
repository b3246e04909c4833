"""Calls that became tasks, in SQL. Each change is made on the version that was read, so of two processes one is first."""

import hashlib
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.principal import Principal
from server.storage.database import Database, announce, now_us
from server.storage.quota import make_room
from server.storage.schema.tool_tables import tasks
from tools.errors import QuotaExceeded
from tools.long_work import ENDED, Task, TaskRecord
from tools.quotas import MAX_TASKS_UNDER_WAY, TASKS, Quotas

#: topics of the change feed; the item is what `task_hash` gives
TASKS_CHANGED = "tasks"
TASKS_STOPPED = "tasks_stopped"
_ENDED = (tasks.c.status.in_(ENDED),)


def task_hash(task_id: str) -> str:
    """Return what the store knows a task by: who reads the store cannot read the task with it."""
    return hashlib.sha256(task_id.encode()).hexdigest()


class SqlTaskStore:
    """TaskStore on the database."""

    def __init__(self, database: Database, quotas: Quotas = TASKS, under_way: tuple[int, int] = MAX_TASKS_UNDER_WAY) -> None:
        """`under_way`: how many a person, and a tenant, may have at one time."""
        self._database, self._quotas, self._under_way = database, quotas, under_way

    async def open(self, principal: Principal, record: TaskRecord) -> None:
        async with self._database.write() as connection:
            await self._check_room(connection, principal)
            await connection.execute(
                insert(tasks).values(
                    handle_hash=task_hash(record.task.task_id),
                    tenant_id=principal.tenant_id,
                    subject=principal.subject,
                    client_id=principal.client_id,
                    created_at=record.task.created_at_us,
                    is_stopping=False,
                    version=record.version,
                    **_changing(record),
                )
            )

    async def _check_room(self, connection: AsyncConnection, principal: Principal) -> None:
        """Raise QuotaExceeded where a person or a tenant has as many under way as it may; what lost its process does not count."""
        now = now_us()
        waits = tasks.c.status == "input_required"
        under_way = and_(tasks.c.status.not_in(ENDED), tasks.c.expires_at > now, waits | (tasks.c.lease_until > now))
        if connection.dialect.name == "postgresql":
            # Two that count at the same time would both find room.
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"tasks {principal.tenant_id}"))))
        of_tenant = tasks.c.tenant_id == principal.tenant_id
        own = and_(of_tenant, tasks.c.subject == principal.subject)
        for which, most in zip((own, of_tenant), self._under_way, strict=True):
            count = select(func.count()).select_from(tasks).where(under_way, which)
            if (await connection.execute(count)).scalar_one() >= most:
                raise QuotaExceeded(f"{most} tasks under way", "wait until one has ended, or cancel one")

    async def load(self, principal: Principal, task_id: str) -> TaskRecord | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(tasks).where(_own(principal, task_id)))).one_or_none()
        return None if row is None else _record(task_id, row._mapping)

    async def change(self, principal: Principal, record: TaskRecord, *, is_news: bool = True) -> TaskRecord | None:
        hashed = task_hash(record.task.task_id)
        same = and_(_own(principal, record.task.task_id), tasks.c.version == record.version)
        async with self._database.write() as connection:
            changed = update(tasks).where(same).values(version=record.version + 1, **_changing(record))
            if (await connection.execute(changed)).rowcount == 0:
                return None
            if record.task.status in ENDED:
                size = func.coalesce(func.length(tasks.c.payload), 0)
                await make_room(connection, tasks, size, self._quotas, principal, 0, keep=hashed, among=_ENDED)
            if is_news:
                await announce(connection, TASKS_CHANGED, principal.tenant_id, hashed)
        return replace(record, version=record.version + 1)

    async def ask_to_stop(self, principal: Principal, task_id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(tasks).where(_own(principal, task_id)).values(is_stopping=True))
            await announce(connection, TASKS_STOPPED, principal.tenant_id, task_hash(task_id))

    async def renew(self, owner: str, until_us: int) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(tasks).where(tasks.c.owner == owner, tasks.c.status == "working").values(lease_until=until_us))


def _changing(record: TaskRecord) -> dict[str, Any]:
    """Return the columns that change in the life of a task. `is_stopping` is set by whoever asks, and never taken back."""
    return {
        "status": record.task.status,
        "message": record.task.message,
        "payload": record.task.payload,
        "work": record.work,
        "updated_at": record.task.updated_at_us,
        "expires_at": record.expires_at_us,
        "owner": record.owner,
        "lease_until": record.lease_until_us,
    }


def _record(task_id: str, row: RowMapping) -> TaskRecord:
    return TaskRecord(
        task=Task(
            task_id=task_id,
            status=row["status"],
            message=row["message"],
            created_at_us=row["created_at"],
            updated_at_us=row["updated_at"],
            ttl_ms=(row["expires_at"] - row["created_at"]) // 1000,
            payload=row["payload"],
        ),
        work=row["work"],
        owner=row["owner"],
        lease_until_us=row["lease_until"],
        expires_at_us=row["expires_at"],
        is_stopping=row["is_stopping"],
        version=row["version"],
    )


def _own(principal: Principal, task_id: str) -> ColumnElement[bool]:
    return and_(
        tasks.c.handle_hash == task_hash(task_id),
        tasks.c.tenant_id == principal.tenant_id,
        tasks.c.subject == principal.subject,
        tasks.c.client_id == principal.client_id,
        tasks.c.expires_at > now_us(),
    )
