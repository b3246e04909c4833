"""What listeners of the change feed may do without harm: fail, take their time, hear nothing."""

import anyio
import anyio.lowlevel
import pytest

from server.storage.change_feed import KEEP_US, Change
from server.storage.database import Database, announce, now_us
from tests.contracts.change_feed.nodes import node_on


async def test_a_listener_that_fails_is_told_again_and_keeps_nothing_from_the_others(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.change_feed.RETRY_S", 0)
    async with node_on(store.url) as node:
        tries: list[list[str]] = []
        told = anyio.Event()

        async def fail_twice(changes: list[Change]) -> None:
            tries.append([change.item for change in changes])
            if len(tries) < 3:
                raise RuntimeError("the store was away just now")
            told.set()

        node.feed.listen("operations", fail_twice)
        async with store.write() as connection:
            await announce(connection, "operations", None, "crm")
            await announce(connection, "tokens", None, "revoked")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(node.feed.run)
                await told.wait()
                group.cancel_scope.cancel()
        assert tries == [["crm"]] * 3
        assert node.heard == ["revoked"]


async def test_a_change_that_cannot_be_taken_over_keeps_back_no_other_of_its_topic(store: Database) -> None:
    async with node_on(store.url) as node:
        taken: list[str] = []

        async def take(changes: list[Change]) -> None:
            if any(change.item == "broken" for change in changes):
                raise ValueError("a source that cannot be read")
            taken.extend(change.item for change in changes)

        node.feed.listen("operations", take)
        async with store.write() as connection:
            for item in ("one", "broken", "two"):
                await announce(connection, "operations", None, item)
        await node.feed.poll()
        assert taken == ["one", "two"]


async def test_a_listener_that_takes_its_time_holds_up_no_revocation(store: Database) -> None:
    """A large import that is indexed for seconds must not leave a revoked token good for as long."""
    async with node_on(store.url) as node:
        indexing, revoked = anyio.Event(), anyio.Event()

        async def index(_changes: list[Change]) -> None:
            indexing.set()
            await anyio.sleep_forever()

        async def revoke(_changes: list[Change]) -> None:
            revoked.set()

        node.feed.listen("operations", index)
        node.feed.listen("subjects", revoke)
        async with store.write() as connection:
            await announce(connection, "operations", None, "large")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(node.feed.run)
                await indexing.wait()
                async with store.write() as connection:
                    await announce(connection, "subjects", "acme", "ada")
                await revoked.wait()
                group.cancel_scope.cancel()


async def test_a_node_that_hears_nothing_is_not_ready(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer takes it out; after a day without the store, what it missed is swept, and only a new start helps."""
    moment = now_us()
    monkeypatch.setattr("server.storage.change_feed.now_us", lambda: moment)
    async with node_on(store.url) as node:
        assert await node.feed.ready() is None
        moment += 31_000_000
        assert await node.feed.ready() == "no changes read for 31 s"
        await node.feed.poll()
        assert await node.feed.ready() is None
        moment += KEEP_US + 1
        await node.feed.poll()
        assert "restart" in str(await node.feed.ready())
