"""What came by webhooks is kept once, starts its run in the same transaction, and is forgotten in time: on both databases."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import orjson
import pytest
from sqlalchemy import select

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.webhooks.deliveries import SqlDeliveryStore
from server.storage.workflows.webhooks.webhooks import SqlWebhookStore
from tests.contracts.databases import empty_database, url_of
from tools.quotas import Quota
from tools.workflows.errors import WorkflowRefused
from tools.workflows.stores import ActsFor
from tools.workflows.webhooks.quotas import WebhookQuotas
from tools.workflows.webhooks.schemes.generic import GenericHmac
from tools.workflows.webhooks.stores import Arrival
from tools.workflows.webhooks.webhook import Webhook

DAY_US = 24 * 3600 * 1_000_000
ADA = ActsFor("sub_ada", frozenset({"mcp", "crm:read"}))


def webhook(tenant_id: str = "acme", source: str = "stripe") -> Webhook:
    return Webhook(tenant_id, source, "stripe", ("new", "old"), "order-paid", ADA)


def mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def arrival(event: str, content: str | None = None, *, of: Webhook | None = None, body: bytes = b"{}") -> Arrival:
    return Arrival(of or webhook(), event, "paid", mark(event), content and mark(content), "application/json", body)


@dataclass
class Clock:
    now_us: int = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


@dataclass
class Inbox:
    database: Database
    clock: Clock = field(default_factory=Clock)

    def store(self, **quotas: object) -> SqlDeliveryStore:
        return SqlDeliveryStore(self.database, WebhookQuotas(**quotas), now_us=self.clock)  # type: ignore[arg-type]

    async def runs(self) -> list[tuple[str, str, dict[str, str], str, str]]:
        async with self.database.read() as connection:
            rows = (await connection.execute(select(workflow_runs).order_by(workflow_runs.c.created_at))).all()
        return [(row.tenant_id, row.run_id.rpartition(":")[2], orjson.loads(row.given), row.acts_for, row.started_by) for row in rows]


@pytest.fixture
async def inbox(sql_database: Database) -> Inbox:
    return Inbox(sql_database)


async def test_an_event_and_its_run_are_kept_together(inbox: Inbox) -> None:
    """The run is told where the event is, and not what it says: its body is kept apart, for a shorter time."""
    received = await inbox.store().receive(arrival("evt_1", body=b'{"secret":"words"}'))
    [(tenant, key, given, acts_for, started_by)] = await inbox.runs()
    assert received.is_new
    assert received.delivery.run_id == f"acme:order-paid:{key}"
    assert (tenant, acts_for, started_by) == ("acme", "sub_ada", "webhook")
    assert given == {
        "source": "stripe",
        "event_id": "evt_1",
        "type": "paid",
        "received_at": "2026-11-18T11:06:40.000Z",
        "delivery": received.delivery.delivery_id,
    }
    kept = await inbox.store().body("acme", received.delivery.delivery_id)
    assert kept is not None
    assert (kept.media_type, kept.body) == ("application/json", b'{"secret":"words"}')


async def test_the_same_event_counts_once(inbox: Inbox) -> None:
    """By its id; and where the id is not signed, by what was signed, whatever id somebody gives it."""
    store = inbox.store()
    first = await store.receive(arrival("evt_1", "a"))
    for again in (arrival("evt_1", "b"), arrival("evt_2", "a")):
        received = await store.receive(again)
        assert not received.is_new
        assert received.delivery == first.delivery
    assert (await store.receive(arrival("evt_3", "c"))).is_new
    assert len(await inbox.runs()) == 2


async def test_tenants_and_sources_have_events_of_their_own(inbox: Inbox) -> None:
    """The same id of another sender is another event; nobody sees, reads or replays another tenant's."""
    store = inbox.store()
    mine = (await store.receive(arrival("evt_1", "a"))).delivery
    assert (await store.receive(arrival("evt_1", "a", of=webhook(source="other")))).is_new
    assert (await store.receive(arrival("evt_1", "a", of=webhook("globex")))).is_new
    assert [each.source for each in await store.deliveries("globex")] == ["stripe"]
    assert len(await store.deliveries("acme")) == 2
    assert await store.body("globex", mine.delivery_id) is None
    assert await store.replay("globex", mine.delivery_id) is None
    assert len({run[0:2] for run in await inbox.runs()}) == 3


async def test_a_replay_is_another_run_of_the_same_delivery(inbox: Inbox) -> None:
    store = inbox.store()
    delivery = (await store.receive(arrival("evt_1"))).delivery
    again = await store.replay("acme", delivery.delivery_id)
    more = await store.replay("acme", delivery.delivery_id)
    runs = await inbox.runs()
    assert [f"acme:order-paid:{key}" for _, key, *_ in runs] == [delivery.run_id, again, more]
    assert len({again, more, delivery.run_id}) == 3
    assert {given["delivery"] for _, _, given, *_ in runs} == {delivery.delivery_id}
    assert (await store.deliveries("acme"))[0].replays == 2


async def test_bodies_go_before_events_do(inbox: Inbox) -> None:
    """After a week the body is gone and cannot be replayed; the same event is still known, until thirty days are over."""
    store = inbox.store()
    delivery = (await store.receive(arrival("evt_1"))).delivery
    inbox.clock.now_us += 7 * DAY_US
    assert await store.body("acme", delivery.delivery_id) is None
    await store.forget_old()
    assert [each.body_bytes for each in await store.deliveries("acme")] == [0]
    assert await store.replay("acme", delivery.delivery_id) is None
    assert not (await store.receive(arrival("evt_1"))).is_new
    inbox.clock.now_us += 23 * DAY_US
    await store.forget_old()
    assert await store.deliveries("acme") == []


def timeless(event: str, content: str = "", *, of: Webhook | None = None) -> Arrival:
    """Return what a sender signed without a time."""
    return replace(arrival(event, content or event, of=of), lasting_mark=mark(content or event))


async def test_a_copy_of_what_was_signed_without_a_time_is_never_taken_again(inbox: Inbox) -> None:
    """GitHub signs the body alone: whoever kept a request has it for good. Events that sign their time are too old by then anyway."""
    store, webhooks = inbox.store(), SqlWebhookStore(inbox.database)
    await webhooks.put("acme", [webhook(source="github")])
    github = webhook(source="github")
    first = (await store.receive(timeless("guid-1", "push", of=github))).delivery
    inbox.clock.now_us += 400 * DAY_US
    await store.forget_old()
    assert await store.deliveries("acme") == []
    again = await store.receive(timeless("guid-forged", "push", of=github))
    assert (again.is_new, again.delivery.delivery_id, again.delivery.received_at_us) == (False, first.delivery_id, first.received_at_us)
    assert await store.deliveries("acme") == []
    assert len(await inbox.runs()) == 1
    assert (await store.receive(timeless("guid-2", "another push", of=github))).is_new
    # What is refused for want of room is not remembered: its sender tries again.
    full = inbox.store(kept=Quota(0, 1_000))
    with pytest.raises(WorkflowRefused):
        await full.receive(timeless("guid-3", "later", of=github))
    assert (await store.receive(timeless("guid-3", "later", of=github))).is_new


async def test_what_was_signed_is_remembered_up_to_a_quota_and_as_long_as_its_webhook_is_there(inbox: Inbox) -> None:
    """The newest of each source; a webhook that is put in place of itself keeps them, one that is removed takes them along."""
    store, webhooks = inbox.store(seen=2), SqlWebhookStore(inbox.database)
    await webhooks.put("acme", [webhook(source="busy"), webhook(source="calm")])

    async def taken(event: str, source: str) -> bool:
        return (await store.receive(timeless(event, of=webhook(source=source)))).is_new

    for event in ("1", "2", "3"):
        inbox.clock.now_us += DAY_US
        assert await taken(event, "busy")
    assert await taken("1", "calm")
    await webhooks.put("acme", [webhook(source="busy")])
    inbox.clock.now_us += 31 * DAY_US
    await store.forget_old()
    assert [await taken(event, "busy") for event in ("3", "2", "1")] == [False, False, True]
    assert not await taken("1", "calm")
    await webhooks.remove("acme", "calm")
    await store.forget_old()
    assert await taken("1", "calm")


async def test_what_is_kept_has_a_quota(inbox: Inbox) -> None:
    """Above it nothing is kept and nothing started, so that the sender sends it again; another tenant has its own."""
    store = inbox.store(kept=Quota(2, 1_000))
    await store.receive(arrival("evt_1"))
    await store.receive(arrival("evt_2"))
    with pytest.raises(WorkflowRefused) as refused:
        await store.receive(arrival("evt_3"))
    assert refused.value.failure.code == "quota_exceeded"
    assert len(await inbox.runs()) == 2
    assert (await store.receive(arrival("evt_3", of=webhook("globex")))).is_new
    with pytest.raises(WorkflowRefused):
        await store.receive(arrival("evt_4", of=webhook("globex"), body=bytes(1_000)))
    assert not (await store.receive(arrival("evt_1"))).is_new


@pytest.fixture(params=["sqlite", "postgresql"])
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Inbox, Inbox]]:
    """Two nodes on one database."""
    url = url_of(request.param, request, tmp_path)
    async with empty_database(url) as one:
        other = Database(url)
        yield Inbox(one), Inbox(other)
        await other.close()


async def test_of_two_nodes_that_get_the_same_event_one_starts_its_run(nodes: tuple[Inbox, Inbox]) -> None:
    """Senders try again while the first request is still being answered."""
    new: list[str] = []
    told: set[str] = set()

    async def receive(node: Inbox, event: str) -> None:
        received = await node.store().receive(arrival(event, f"signed {event}"))
        told.add(received.delivery.delivery_id)
        if received.is_new:
            new.append(event)

    events = [f"evt_{number}" for number in range(20)]
    async with anyio.create_task_group() as group:
        for event in events:
            for node in nodes:
                group.start_soon(receive, node, event)
    assert sorted(new) == sorted(events)
    assert len(told) == len(events)
    assert len(await nodes[0].runs()) == len(events)


async def test_a_webhook_comes_back_as_it_was_put(sql_database: Database) -> None:
    store = SqlWebhookStore(sql_database)
    generic = GenericHmac("X-Sig", "sha512", "base64", "v1=", "{timestamp}.{body}", "X-Time", "", "X-Type", ("data", "id"), ())
    given = [webhook(), Webhook("acme", "other", "hmac", ("k",), "noted", None, generic, 3)]
    await store.put("acme", given)
    await store.put("globex", [webhook("globex")])
    assert sorted(await store.of_tenant("acme"), key=lambda each: each.source) == sorted(given, key=lambda each: each.source)
    assert len(await store.load()) == 3
    assert not await store.remove("globex", "other")
    assert await store.remove("acme", "other")
    assert [each.source for each in await store.of_tenant("acme")] == ["stripe"]


async def test_a_tenant_has_so_many_webhooks_and_no_more(sql_database: Database) -> None:
    store = SqlWebhookStore(sql_database, WebhookQuotas(webhooks=2))
    await store.put("acme", [webhook(source="a"), webhook(source="b")])
    await store.put("acme", [webhook(source="a")])
    with pytest.raises(WorkflowRefused):
        await store.put("acme", [webhook(source="b"), webhook(source="c")])
    assert [each.source for each in await store.of_tenant("acme")] == ["a", "b"]
