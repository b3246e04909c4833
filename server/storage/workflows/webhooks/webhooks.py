"""Webhooks as they are configured, in SQL. Table: webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from server.storage.database import Database, announce_in_thread, now_us
from server.storage.insertion import insert_or_replace_in_thread
from server.storage.schema.workflows.webhook_tables import webhooks
from server.storage.workflows.acting import acting, acts_for_of
from tools.workflows.errors import WorkflowRefused
from tools.workflows.topics import WEBHOOK_NEWS
from tools.workflows.webhooks.quotas import WEBHOOKS, WebhookQuotas
from tools.workflows.webhooks.schemes.generic import GenericHmac
from tools.workflows.webhooks.webhook import Webhook


class SqlWebhookStore:
    """Keeps `tools.workflows.webhooks.stores.WebhookStore`."""

    def __init__(self, database: Database, quotas: WebhookQuotas = WEBHOOKS, *, now_us: Callable[[], int] = now_us) -> None:
        self._database, self._quotas, self._now_us = database, quotas, now_us

    async def put(self, tenant_id: str, given: Sequence[Webhook]) -> None:
        def put(connection: Connection) -> None:
            for webhook in given:
                insert_or_replace_in_thread(
                    connection, webhooks, {**_values(webhook), "tenant_id": tenant_id, "changed_at": self._now_us()}
                )
                announce_in_thread(connection, WEBHOOK_NEWS, tenant_id, webhook.source)
            there = connection.scalar(select(func.count()).select_from(webhooks).where(webhooks.c.tenant_id == tenant_id)) or 0
            if there > self._quotas.webhooks:
                message = f"tenant {tenant_id!r} would have {there} webhooks; {self._quotas.webhooks} are its quota"
                raise WorkflowRefused("quota_exceeded", message, "remove what nobody sends to any more: `ascend webhook remove SOURCE`")

        await self._database.transact(put)

    async def remove(self, tenant_id: str, source: str) -> bool:
        mine = (webhooks.c.tenant_id == tenant_id) & (webhooks.c.source == source)

        def remove(connection: Connection) -> bool:
            was_there = connection.execute(delete(webhooks).where(mine)).rowcount == 1
            if was_there:
                announce_in_thread(connection, WEBHOOK_NEWS, tenant_id, source)
            return was_there

        return await self._database.transact(remove)

    async def of_tenant(self, tenant_id: str) -> Sequence[Webhook]:
        return await self._read(webhooks.c.tenant_id == tenant_id)

    async def load(self) -> Sequence[Webhook]:
        return await self._read(webhooks.c.tenant_id != "")

    async def secret_changed(self, tenant_id: str, name: str) -> None:
        """Tell running gateways that a secret of the vault is another one now."""
        await self._database.transact(lambda connection: announce_in_thread(connection, WEBHOOK_NEWS, tenant_id, name))

    async def _read(self, condition: ColumnElement[bool]) -> Sequence[Webhook]:
        query = select(webhooks).where(condition).order_by(webhooks.c.tenant_id, webhooks.c.source)
        return await self._database.look(lambda connection: [_webhook(row) for row in connection.execute(query)])


def _values(webhook: Webhook) -> dict[str, Any]:
    return {
        "source": webhook.source,
        "scheme": webhook.scheme,
        "secrets": " ".join(webhook.secrets),
        "workflow": webhook.workflow,
        **acting(webhook.acts_for),
        "particulars": orjson.dumps(asdict(webhook.generic)).decode() if webhook.generic else None,
        "body_kept_days": webhook.body_kept_days,
    }


def _webhook(row: Row[Any]) -> Webhook:
    particulars = orjson.loads(row.particulars) if row.particulars else None
    paths = {name: tuple(particulars[name]) for name in ("id_path", "type_path")} if particulars else {}
    return Webhook(
        tenant_id=row.tenant_id,
        source=row.source,
        scheme=row.scheme,
        secrets=tuple(row.secrets.split()),
        workflow=row.workflow,
        acts_for=acts_for_of(row),
        generic=GenericHmac(**{**particulars, **paths}) if particulars else None,
        body_kept_days=row.body_kept_days,
    )
