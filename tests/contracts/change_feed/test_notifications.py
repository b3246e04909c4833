"""On PostgreSQL news come by notification; the poll is the net below."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from server.storage.database import Database, announce
from tests.contracts.change_feed.nodes import Node, node_on
from tests.contracts.databases import empty_database, url_of
from tests.waiting import until

_LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@pytest.fixture
async def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of("postgresql", request, tmp_path)) as database:
        yield database


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    async with anyio.create_task_group() as group:
        group.start_soon(node.feed.run)
        yield
        group.cancel_scope.cancel()


async def write(database: Database, item: str) -> None:
    async with database.write() as connection:
        await announce(connection, "tokens", None, item)


@pytest.fixture
def without_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.change_feed.POLL_S", 3600)


@pytest.mark.usefixtures("without_poll")
async def test_news_come_by_notification(postgres: Database) -> None:
    """Issue 10: in force on the other node at once, not at the next poll."""
    async with node_on(postgres.url) as node, running(node):
        await write(postgres, "before anybody listens")
        await until(lambda: node.heard == ["before anybody listens"])
        await write(postgres, "at once")
        await until(lambda: len(node.heard) > 1)
    assert node.heard == ["before anybody listens", "at once"]


@pytest.mark.usefixtures("without_poll")
async def test_a_transaction_that_ends_late_is_heard_when_it_ends(postgres: Database) -> None:
    async with node_on(postgres.url) as node, running(node):
        async with postgres.write() as slow:
            await announce(slow, "tokens", None, "slow")
            await write(postgres, "quick")
            await until(lambda: node.heard == ["quick"])
        await until(lambda: len(node.heard) > 1)
    assert node.heard == ["quick", "slow"]


@pytest.mark.usefixtures("without_poll")
async def test_a_broken_connection_is_made_again(
    postgres: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was committed while nobody listened is read as soon as somebody does."""
    monkeypatch.setattr("server.storage.notifications.RETRY_S", 0)
    async with node_on(postgres.url) as node, running(node):
        await write(postgres, "before")
        await until(lambda: node.heard == ["before"])
        async with postgres.write() as connection:
            await announce(connection, "tokens", None, "meanwhile")
            await connection.execute(text(f"SELECT pg_terminate_backend(pid) {_LISTENERS}"))
        await until(lambda: node.heard == ["before", "meanwhile"])
        await write(postgres, "after")
        await until(lambda: node.heard == ["before", "meanwhile", "after"])
    assert [record.message for record in caplog.records if record.name == "ascend"] == ["notifications_lost"]


async def test_where_no_notification_comes_the_poll_hears_everything(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pooler that keeps no session takes LISTEN and delivers nothing."""
    monkeypatch.setattr("server.storage.notifications._CHANNEL", "somewhere_else")
    async with node_on(postgres.url) as node, running(node):
        await write(postgres, "one")
        await until(lambda: node.heard == ["one"])
        await write(postgres, "two")
        await until(lambda: len(node.heard) > 1)
    assert node.heard == ["one", "two"]


async def test_a_node_that_ends_leaves_no_listener_behind(postgres: Database) -> None:
    """One that stays is told of every change for ever, and PostgreSQL keeps what it does not fetch."""

    async def listeners() -> list[int]:
        async with postgres.read() as connection:
            return list((await connection.scalars(text(f"SELECT pid {_LISTENERS}"))).all())

    async def somebody_listens() -> bool:
        return bool(await listeners())

    async def nobody_listens() -> bool:
        return not await listeners()

    async with node_on(postgres.url) as node, running(node):
        await until(somebody_listens)
        assert len(await listeners()) == 1
    await until(nobody_listens)
