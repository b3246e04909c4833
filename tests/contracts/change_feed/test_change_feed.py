"""No change is ever missed, in whatever order transactions end, and no listener waits for another."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from server.storage.change_feed import Change
from server.storage.database import Database, StoreUnavailable, announce
from server.storage.migrate import migrate
from server.storage.schema.platform_tables import changes
from tests.contracts.change_feed.nodes import node_on
from tests.contracts.databases import empty_database, url_of
from tests.contracts.postgres import postgres_server

WRITERS = 6


@pytest.fixture
async def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """The store in which several transactions write at once."""
    async with empty_database(url_of("postgresql", request, tmp_path)) as database:
        yield database


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction that the test commits itself, when it likes."""
    engine = create_async_engine(database.url)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def test_a_change_that_is_committed_late_is_heard_late_and_holds_up_nothing(postgres: Database) -> None:
    """attacks.md: changes are missed for good, because sequence numbers are not in the order of commits."""
    async with node_on(postgres.url) as node, transaction(postgres) as slow, transaction(postgres) as quick:
        await announce(slow, "tokens", None, "slow")
        await announce(quick, "tokens", None, "quick")
        await quick.commit()
        assert await node.news() == ["quick"]
        assert await node.news() == []
        await announce(quick, "tokens", None, "later")
        await quick.commit()
        assert await node.news() == ["later"]
        await slow.commit()
        assert await node.news() == ["slow"]
        assert await node.news() == []


async def test_a_transaction_under_way_when_a_node_starts_is_heard_when_it_commits(postgres: Database) -> None:
    """The node loads its snapshots before that commit, so it would know of the change from nowhere else."""
    async with transaction(postgres) as before, transaction(postgres) as slow:
        await announce(before, "tokens", None, "before")
        await announce(slow, "tokens", None, "under way")
        await before.commit()
        async with node_on(postgres.url) as node:
            await slow.commit()
            assert await node.news() == ["under way"]


async def test_a_change_that_is_undone_is_never_heard(postgres: Database) -> None:
    async with node_on(postgres.url) as node, transaction(postgres) as undone:
        await announce(undone, "tokens", None, "undone")
        await undone.rollback()
        assert await node.news() == []


@pytest.mark.parametrize("seed", range(4))
async def test_every_change_is_heard_once_at_the_first_look_after_its_commit(postgres: Database, seed: int) -> None:
    """Six transactions begin, write, commit and give up in any order; between them two nodes look."""
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(node_on(postgres.url)) for _ in range(2)]
        writers = [await stack.enter_async_context(transaction(postgres)) for _ in range(WRITERS)]
        written: list[list[str]] = [[] for _ in writers]
        committed: list[list[str]] = [[] for _ in nodes]
        for step in range(400):
            which = chance.randrange(WRITERS)
            match chance.choice(("write", "write", "commit", "undo", "look")):
                case "write":
                    await announce(writers[which], "tokens", None, str(step))
                    written[which].append(str(step))
                case "commit":
                    await writers[which].commit()
                    for expected in committed:
                        expected += written[which]
                    written[which] = []
                case "undo":
                    await writers[which].rollback()
                    written[which] = []
                case _:
                    looking = chance.randrange(len(nodes))
                    assert sorted(await nodes[looking].news()) == sorted(committed[looking])
                    committed[looking] = []


async def test_writers_at_once_lose_no_change_on_another_node(store: Database) -> None:
    """The bounded version of `python -m benchmarks changes_missed`, on both stores."""
    each = 30
    async with node_on(store.url) as one, node_on(store.url) as two, anyio.create_task_group() as group:
        done = anyio.Event()

        async def write(writer: int) -> None:
            for number in range(each):
                async with store.write() as connection:
                    await announce(connection, "tokens", None, f"{writer}-{number}")
                    await anyio.lowlevel.checkpoint()

        async def write_all() -> None:
            async with anyio.create_task_group() as writers:
                for writer in range(WRITERS):
                    writers.start_soon(write, writer)
            done.set()

        group.start_soon(write_all)
        while not done.is_set():
            await one.feed.poll()
            await two.feed.poll()
        await one.feed.poll()
        await two.feed.poll()
        expected = sorted(f"{writer}-{number}" for writer in range(WRITERS) for number in range(each))
        assert sorted(one.heard) == expected
        assert sorted(two.heard) == expected


async def test_a_change_after_everything_was_swept_is_heard(store: Database) -> None:
    """SQLite gives a number once more when the last row is gone; a node that waited for a higher one would wait for good."""
    async with node_on(store.url) as node:
        for item in ("one", "two"):
            async with store.write() as connection:
                await announce(connection, "tokens", None, item)
        assert await node.news() == ["one", "two"]
        async with store.write() as connection:
            await connection.execute(update(changes).values(changed_at=0))
        await node.feed.sweep()
        async with store.write() as connection:
            await announce(connection, "tokens", None, "three")
        assert await node.news() == ["three"]


async def test_rows_of_another_server_are_old(postgres: Database) -> None:
    """A dump that is put into a new server brings transaction ids that this one has not given out."""
    async with postgres.write() as connection:
        await connection.execute(insert(changes).values(topic="tokens", tenant_id="", item="old", changed_at=1, transaction_id=1 << 50))
    async with node_on(postgres.url) as node:
        assert await node.news() == []


async def test_the_feed_outlives_its_connection(postgres: Database) -> None:
    """The server restarts, or somebody ends the session: what was committed meanwhile is heard."""
    async with node_on(postgres.url) as node:
        async with postgres.write() as connection:
            await announce(connection, "tokens", None, "meanwhile")
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle'")
            )
        assert await node.news() == ["meanwhile"]


async def test_a_store_that_is_away_costs_no_change(
    store: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says that the feed is behind, one that it is not any more."""
    monkeypatch.setattr("server.storage.change_feed.POLL_S", 0)
    async with node_on(store.url) as node:
        heard, failures = anyio.Event(), iter(range(5))
        feed = node.database.feed

        @asynccontextmanager
        async def away() -> AsyncIterator[AsyncConnection]:
            if next(failures, None) is not None:
                raise StoreUnavailable("server closed the connection")
            async with feed() as connection:
                yield connection

        async def hear(_changes: list[Change]) -> None:
            heard.set()

        node.feed.listen("tokens", hear)
        monkeypatch.setattr(node.database, "feed", away)
        async with store.write() as connection:
            await announce(connection, "tokens", None, "while it was away")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(node.feed.run)
                await heard.wait()
                group.cancel_scope.cancel()
    assert [record.message for record in caplog.records if record.name == "ascend"].count("change_feed_behind") == 1


async def test_nodes_that_start_together_bring_the_store_up_once() -> None:
    """A rolling update starts them at the same moment."""
    with postgres_server() as url:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(migrate, url)
        async with node_on(url) as node:
            assert await node.news() == []
