"""The contract of connect flows: taken once, known until the next, swept when old."""

from dataclasses import replace

import anyio
import pytest

from oauth.connections.connecting.connect_flow import AuthorizationAttempt, ConnectFlow
from server.storage.database import Database
from tests.contracts.oauth.connection_stores import NOW, Stores, stores_on

FLOW = ConnectFlow("hash", "acme", "ada", "client", "hubspot", frozenset({"read"}), "new", NOW, NOW + 600, "acc_1", "sales")


@pytest.fixture
async def stores(sql_database: Database) -> Stores:
    return await stores_on(sql_database)


async def test_a_trip_is_taken_at_most_once(stores: Stores) -> None:
    """ConnectFlowStore.take: `state` is single-use, also when two callbacks come at once."""
    await stores.flows.add(FLOW)
    assert await stores.flows.get("hash") == FLOW
    trip = AuthorizationAttempt("trip", "browser", b"sealed", "dek1")
    assert await stores.flows.start("hash", trip, NOW + 700)
    taken = []

    async def take() -> None:
        if found := await stores.flows.take("trip"):
            taken.append(found)

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(take)
    assert taken == [(replace(FLOW, state="started", expires_at=NOW + 700), trip)]


async def test_whose_trip_it_was_is_known_until_the_next_one(stores: Stores) -> None:
    """ConnectFlowStore.taken: the page at its end may be loaded again."""
    await stores.flows.add(FLOW)
    assert await stores.flows.start("hash", AuthorizationAttempt("one", "browser", b"sealed", "dek1"), NOW + 700)
    assert await stores.flows.taken("one") is None
    await stores.flows.take("one")
    assert await stores.flows.taken("one") == (replace(FLOW, state="started", expires_at=NOW + 700), "browser")
    assert await stores.flows.start("hash", AuthorizationAttempt("two", "another", b"sealed", "dek1"), NOW + 700)
    assert (await stores.flows.taken("one"), await stores.flows.taken("two")) == (None, None)
    await stores.flows.take("two")
    await stores.flows.finish("hash", "done", "acc_9")
    found = await stores.flows.taken("two")
    assert found is not None
    assert (found[0].state, found[0].account_id, found[1]) == ("done", "acc_9", "another")


async def test_a_new_trip_ends_the_former_one(stores: Stores) -> None:
    """ConnectFlowStore.start."""
    await stores.flows.add(FLOW)
    for name in ("one", "two"):
        assert await stores.flows.start("hash", AuthorizationAttempt(name, "browser", b"", "dek1"), NOW + 700)
    assert await stores.flows.take("one") is None
    await stores.flows.finish("hash", "done", "acc_9")
    assert await stores.flows.take("two") is None
    assert not await stores.flows.start("hash", AuthorizationAttempt("three", "browser", b"", "dek1"), NOW + 700)
    found = await stores.flows.get("hash")
    assert found
    assert (found.state, found.account_id) == ("done", "acc_9")


async def test_a_finished_flow_is_told_to_who_asked_until_it_is_reported(stores: Stores) -> None:
    """ConnectFlowStore.done."""
    await stores.flows.add(FLOW)
    await stores.flows.finish("hash", "done", "acc_9")
    done = await stores.flows.done("acme", "ada", "client", "hubspot", NOW - 1)
    assert [flow.account_id for flow in done] == ["acc_9"]
    assert not await stores.flows.done("acme", "bob", "client", "hubspot", NOW - 1)
    assert not await stores.flows.done("acme", "ada", "client", "hubspot", NOW + 1)
    await stores.flows.finish("hash", "reported", "acc_9")
    assert not await stores.flows.done("acme", "ada", "client", "hubspot", NOW - 1)


async def test_old_flows_are_swept(stores: Stores) -> None:
    """ConnectFlowStore.sweep."""
    await stores.flows.add(FLOW)
    assert await stores.flows.sweep(NOW + 600) == 0
    assert await stores.flows.sweep(NOW + 601) == 1
    assert await stores.flows.get("hash") is None
