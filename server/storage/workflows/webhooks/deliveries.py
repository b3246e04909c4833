"""What came by webhooks, in SQL. Tables: webhook_inbox, webhook_seen, workflow_runs."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from server.storage.database import Database, now_us
from server.storage.insertion import insert_unless_there_in_thread
from server.storage.row_removal import empty_rows, remove_rows
from server.storage.schema.workflows.webhook_tables import webhook_inbox
from server.storage.workflows.acting import acting, acts_for_of
from server.storage.workflows.runs.new_runs import QueuedRun, enqueue, open_runs
from server.storage.workflows.webhooks.seen_events import Seen, forget_oldest, seen_before, surplus_of
from tools.workflows.engine.durable_workflows import MAX_OPEN_RUNS
from tools.workflows.errors import WorkflowRefused
from tools.workflows.run_keys import delivery_key, key_of
from tools.workflows.webhooks.kept import EVENT_KEPT_DAYS
from tools.workflows.webhooks.quotas import WEBHOOKS, WebhookQuotas
from tools.workflows.webhooks.stores import Arrival, Delivery, KeptBody, Received

_DAY_US = 24 * 3600 * 1_000_000
#: rows that one step of the sweep takes, so that no lock is held for long
_SWEPT_AT_ONCE = 500
#: what lists read: never the bodies
_SHOWN = [column for column in webhook_inbox.c if column.name != "body"]


class SqlDeliveryStore:
    """Keeps `tools.workflows.webhooks.stores.DeliveryStore`."""

    def __init__(self, database: Database, quotas: WebhookQuotas = WEBHOOKS, *, now_us: Callable[[], int] = now_us) -> None:
        self._database, self._quotas, self._now_us = database, quotas, now_us

    async def receive(self, arrival: Arrival) -> Received:
        values = _values(arrival, self._now_us())

        def receive(connection: Connection) -> Received:
            if not insert_unless_there_in_thread(connection, webhook_inbox, values):
                return Received(_delivery(self._same(connection, arrival)), is_new=False)
            if arrival.lasting_mark is not None and (seen := seen_before(connection, values, arrival.lasting_mark)) is not None:
                return Received(_forgotten(connection, values, seen), is_new=False)
            self._check_room(connection, arrival.webhook.tenant_id)
            delivery = self._at(connection, arrival.webhook.tenant_id, str(values["delivery_id"]))
            return Received(_start(connection, delivery), is_new=True)

        return await self._database.transact(receive)

    async def replay(self, tenant_id: str, delivery_id: str) -> str | None:
        mine = (webhook_inbox.c.tenant_id == tenant_id) & (webhook_inbox.c.delivery_id == delivery_id)

        def replay(connection: Connection) -> str | None:
            counted = update(webhook_inbox).where(mine, webhook_inbox.c.body.is_not(None)).values(replays=webhook_inbox.c.replays + 1)
            if connection.execute(counted).rowcount == 0:
                return None
            return _start(connection, self._at(connection, tenant_id, delivery_id)).run_id

        return await self._database.transact(replay)

    async def body(self, tenant_id: str, delivery_id: str) -> KeptBody | None:
        query = select(webhook_inbox.c.media_type, webhook_inbox.c.body).where(
            webhook_inbox.c.tenant_id == tenant_id, webhook_inbox.c.delivery_id == delivery_id, webhook_inbox.c.body_until > self._now_us()
        )
        row = await self._database.look(lambda connection: connection.execute(query).first())
        return None if row is None or row.body is None else KeptBody(row.media_type, row.body)

    async def deliveries(
        self, tenant_id: str | None, *, source: str | None = None, limit: int = 50, after: tuple[int, str] | None = None, since_us: int = 0
    ) -> Sequence[Delivery]:
        query = select(*_SHOWN).where(webhook_inbox.c.received_at >= since_us)
        if tenant_id is not None:
            query = query.where(webhook_inbox.c.tenant_id == tenant_id)
        if source is not None:
            query = query.where(webhook_inbox.c.source == source)
        if after is not None:
            c = webhook_inbox.c
            query = query.where((c.received_at < after[0]) | ((c.received_at == after[0]) & (c.delivery_id > after[1])))
        query = query.order_by(webhook_inbox.c.received_at.desc(), webhook_inbox.c.delivery_id).limit(limit)
        return await self._database.look(lambda connection: [_delivery(row) for row in connection.execute(query)])

    async def delivery(self, tenant_id: str, delivery_id: str) -> Delivery | None:
        """Return one; None: there is none of that id in the tenant."""
        query = select(*_SHOWN).where(webhook_inbox.c.tenant_id == tenant_id, webhook_inbox.c.delivery_id == delivery_id)
        row = await self._database.look(lambda connection: connection.execute(query).first())
        return None if row is None else _delivery(row)

    async def forget_old(self, bodies_before_us: int = 0) -> None:
        now, c = self._now_us(), webhook_inbox.c
        for is_over in (c.body_until <= now, c.received_at < bodies_before_us):
            await empty_rows(self._database, webhook_inbox, {"body": None, "body_bytes": 0}, is_over, c.body_bytes > 0)
        await remove_rows(self._database, webhook_inbox, c.received_at <= now - EVENT_KEPT_DAYS * _DAY_US)
        await self._forget_seen()

    async def _forget_seen(self) -> None:
        surplus = await self._database.look(lambda connection: surplus_of(connection, self._quotas.seen))
        for place, count in surplus.items():
            for begin in range(0, count, _SWEPT_AT_ONCE):
                step = partial(forget_oldest, place=place, count=min(_SWEPT_AT_ONCE, count - begin))
                await self._database.transact(step)

    def _check_room(self, connection: Connection, tenant_id: str) -> None:
        """Two that count at the same time may both find the last room: this bounds what is kept, and promises no number."""
        kept = (webhook_inbox.c.tenant_id == tenant_id) & (webhook_inbox.c.body_bytes > 0)
        count, total = connection.execute(
            select(func.count(), func.coalesce(func.sum(webhook_inbox.c.body_bytes), 0)).select_from(webhook_inbox).where(kept)
        ).one()
        if open_runs(connection, tenant_id) >= MAX_OPEN_RUNS:
            message = f"{MAX_OPEN_RUNS:,} runs of this tenant have not ended yet"
            raise WorkflowRefused("quota_exceeded", message, "send it again later", retry_after_s=60.0)
        if not self._quotas.kept.holds(count, int(total)):
            message = f"deliveries that are kept for their runs have used up their quota ({self._quotas.kept})"
            raise WorkflowRefused(
                "quota_exceeded", message, "send it again later: bodies are forgotten after some days", retry_after_s=600.0
            )

    def _same(self, connection: Connection, arrival: Arrival) -> Row[Any]:
        t = webhook_inbox.c
        is_same = t.event_mark == arrival.event_mark
        if arrival.content_mark is not None:
            is_same |= t.content_mark == arrival.content_mark
        webhook = arrival.webhook
        return connection.execute(select(*_SHOWN).where(t.tenant_id == webhook.tenant_id, t.source == webhook.source, is_same)).first()  # type: ignore[return-value]  # it is what was in the way

    def _at(self, connection: Connection, tenant_id: str, delivery_id: str) -> Row[Any]:
        query = select(*_SHOWN).where(webhook_inbox.c.tenant_id == tenant_id, webhook_inbox.c.delivery_id == delivery_id)
        return connection.execute(query).one()


def _forgotten(connection: Connection, values: Mapping[str, Any], seen: Seen) -> Delivery:
    """Take back the row of an event that came long ago; return what is still known of how it came first."""
    t = webhook_inbox.c
    came = connection.execute(
        delete(webhook_inbox).where(t.tenant_id == values["tenant_id"], t.delivery_id == values["delivery_id"]).returning(*_SHOWN)
    ).one()
    return replace(_delivery(came), delivery_id=seen.delivery_id, received_at_us=seen.received_at_us, body_bytes=0)


def _start(connection: Connection, row: Row[Any]) -> Delivery:
    """Put a run of a delivery on record, in the transaction that keeps or counts it."""
    delivery = _delivery(row)
    received_at = datetime.fromtimestamp(row.received_at / 1_000_000, UTC).isoformat(timespec="milliseconds")
    given = {
        "source": row.source,
        "event_id": row.event_id,
        "type": row.kind,
        "received_at": received_at.replace("+00:00", "Z"),
        "delivery": row.delivery_id,
    }
    queued = QueuedRun(
        tenant_id=row.tenant_id,
        workflow=row.workflow,
        key=key_of(delivery.run_id),
        given=given,
        started_by="webhook",
        acts_for=acts_for_of(row),
    )
    enqueue(connection, queued)
    return delivery


def _values(arrival: Arrival, now_us: int) -> dict[str, Any]:
    webhook = arrival.webhook
    return {
        "tenant_id": webhook.tenant_id,
        "delivery_id": f"d_{secrets.token_hex(12)}",
        "source": webhook.source,
        "event_id": arrival.event_id,
        "kind": arrival.kind,
        "event_mark": arrival.event_mark,
        "content_mark": arrival.content_mark,
        "workflow": webhook.workflow,
        **acting(webhook.acts_for),
        "received_at": now_us,
        "replays": 0,
        "media_type": arrival.media_type,
        "body": arrival.body,
        "body_bytes": max(1, len(arrival.body)),
        "body_until": now_us + webhook.body_kept_days * _DAY_US,
    }


def _delivery(row: Row[Any]) -> Delivery:
    key = delivery_key(row.source, row.event_mark, row.replays)
    return Delivery(
        tenant_id=row.tenant_id,
        delivery_id=row.delivery_id,
        source=row.source,
        event_id=row.event_id,
        kind=row.kind,
        received_at_us=row.received_at,
        body_bytes=row.body_bytes,
        replays=row.replays,
        run_id=f"{row.tenant_id}:{row.workflow}:{key}",
    )
