"""Webhooks: what others sent, and the run that it started. What it says is shown nowhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, number_and_text_of
from server.admin.nouns.jobs import as_refusals
from server.admin.refusals import invalid, not_found
from server.admin.resource import Change, Column, Done, Filter, ListQuery, Resource, Row, Rows

if TYPE_CHECKING:
    from server.storage.workflows.webhooks.deliveries import SqlDeliveryStore
    from tools.workflows.webhooks.stores import Delivery


@dataclass(frozen=True, slots=True)
class Webhooks:
    #: loaded when somebody looks at them (docs/decisions/0059)
    deliveries: "Callable[[], Awaitable[SqlDeliveryStore]]"

    def resource(self) -> Resource:
        return Resource(
            name="webhooks",
            title="Webhooks",
            about="What others sent, the newest first; each event once.",
            columns=(
                Column(name="received_at", title="When", kind="time"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="source", title="From"),
                Column(name="kind", title="Kind"),
                Column(name="body_bytes", title="Size", kind="bytes", is_aside=True),
                Column(name="replays", title="Replays", kind="number", is_aside=True),
                Column(name="run", title="Run"),
            ),
            facts=(Column(name="event", title="Event"), Column(name="id", title="Delivery")),
            rows=self.rows,
            one=self.one,
            filters=(Filter(name="source", title="From"),),
            changes=(Change("replay", "Replay", self.replay, confirm="Another run is started with what came."),),
            default_range="7d",
            when_empty="Nothing came in this time. `ascend webhook test SOURCE` tries whether it could.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        after, source = number_and_text_of(query.cursor) or (query.span.to_us, ""), query.filters.get("source")
        found = await (await self.deliveries()).deliveries(
            query.tenant_id, source=source, limit=query.limit + 1, after=after, since_us=query.span.from_us
        )
        shown = found[: query.limit]
        last = shown[-1] if len(found) > query.limit else None
        return Rows([_row(each) for each in shown], None if last is None else cursor_after(last.received_at_us, last.delivery_id))

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        tenant_id, _, delivery_id = key.partition(":")
        found = await (await self.deliveries()).delivery(tenant_id, delivery_id) if administrator.reaches(tenant_id) else None
        return None if found is None else _row(found)

    async def replay(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        if await self.one(administrator, key) is None:
            raise not_found(f"there is no delivery {key[:80]!r}")
        tenant_id, _, delivery_id = key.partition(":")
        with as_refusals():
            run_id = await (await self.deliveries()).replay(tenant_id, delivery_id)
        if run_id is None:
            raise invalid("what came is not kept any more: seven days at the most", "have its sender send it again")
        return Done("Another run was started.", {"run": run_id})


def _row(delivery: "Delivery") -> Row:
    return {
        "id": f"{delivery.tenant_id}:{delivery.delivery_id}",
        "received_at": delivery.received_at_us,
        "tenant": delivery.tenant_id,
        "source": delivery.source,
        "event": delivery.event_id,
        "kind": delivery.kind,
        "body_bytes": delivery.body_bytes,
        "replays": delivery.replays,
        "run": delivery.run_id,
    }
