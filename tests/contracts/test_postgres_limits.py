"""PostgreSQL that is slow, locked, restarted or replaced: nothing waits without end, and nobody has to be restarted for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from server.config.store import DatabaseUrl
from server.storage.database import Database, StoreUnavailable
from server.storage.postgres_connection import PostgresLimits
from tests.contracts.postgres import postgres_server, stopped
from tests.waiting import until

#: each test hurries the one thing that it is about: a busy machine stalls for longer than that
HURRIED = PostgresLimits(pool_size=2, statement_timeout_s=0.3)
HURRIED_LOCK = PostgresLimits(pool_size=2, lock_timeout_s=0.2)
HURRIED_IDLE = PostgresLimits(pool_size=2, idle_in_transaction_timeout_s=0.3)
PATIENT = PostgresLimits(pool_size=2)


@pytest.fixture(scope="module")
def servers() -> Iterator[list[str]]:
    """Two servers, which know nothing of each other."""
    with ExitStack() as stack:
        yield [stack.enter_context(postgres_server()) for _ in range(2)]


@pytest.fixture
async def patient(servers: list[str]) -> AsyncIterator[Database]:
    """The first server, with one thing in it."""
    async with database_of(servers[0], PATIENT) as database:
        await run(database, "CREATE TABLE IF NOT EXISTS things (id int PRIMARY KEY, what text)")
        await run(database, "INSERT INTO things VALUES (1, 'a') ON CONFLICT DO NOTHING")
        yield database


@asynccontextmanager
async def database_of(url: str, limits: PostgresLimits) -> AsyncIterator[Database]:
    database = Database(url, limits)
    try:
        yield database
    finally:
        await database.close()


async def run(database: Database, statement: str) -> None:
    async with database.write() as connection:
        await connection.execute(text(statement))


async def told(database: Database, statement: str) -> object:
    async with database.read() as connection:
        return (await connection.execute(text(statement))).scalar()


async def is_answered(database: Database) -> bool:
    with suppress(StoreUnavailable):
        return await told(database, "SELECT 1") == 1
    return False


async def test_a_statement_ends_in_its_time_wherever_it_runs(patient: Database, servers: list[str]) -> None:
    async with database_of(servers[0], HURRIED) as hurried:
        for slow in (
            told(hurried, "SELECT pg_sleep(30)"),
            hurried.transact(lambda connection: connection.execute(text("SELECT pg_sleep(30)")).scalar()),
            hurried.look(lambda connection: connection.execute(text("SELECT pg_sleep(30)")).scalar()),
        ):
            with pytest.raises(StoreUnavailable):
                await slow
        await until(lambda: is_answered(hurried))


async def test_upkeep_takes_as_long_as_it_takes(patient: Database, servers: list[str]) -> None:
    async with database_of(servers[0], HURRIED) as hurried:
        assert await hurried.overwrite(["things"])
        # And whoever has that connection next is held to the limits again.
        with pytest.raises(StoreUnavailable):
            await hurried.transact(lambda connection: connection.execute(text("SELECT pg_sleep(30)")).scalar())


async def test_whoever_waits_for_a_lock_is_told_in_its_time(patient: Database, servers: list[str]) -> None:
    async with database_of(servers[0], HURRIED_LOCK) as hurried, patient.write() as connection:
        await connection.execute(text("UPDATE things SET what = 'b' WHERE id = 1"))
        with pytest.raises(StoreUnavailable):
            await run(hurried, "UPDATE things SET what = 'c' WHERE id = 1")
    assert await told(patient, "SELECT what FROM things") == "b"


async def test_a_transaction_that_nobody_goes_on_with_holds_its_locks_no_longer(patient: Database, servers: list[str]) -> None:
    async with database_of(servers[0], HURRIED_IDLE) as hurried:

        async def held() -> None:
            async with hurried.write() as connection:
                await connection.execute(text("UPDATE things SET what = 'held' WHERE id = 1"))
                # Until the server has undone the other: it waits for its lock.
                await run(patient, "UPDATE things SET what = 'd' WHERE id = 1")

        with pytest.raises(StoreUnavailable):
            await held()
    assert await told(patient, "SELECT what FROM things") == "d"


async def test_pools_recover_from_a_restart_by_themselves(patient: Database, servers: list[str]) -> None:
    """Every session is ended under them; meanwhile whoever asks is told at once."""
    await asyncio.gather(*(told(patient, "SELECT 1") for _ in range(8)))
    with stopped(servers[0]):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await told(patient, "SELECT 1")
    assert await asyncio.gather(*(told(patient, "SELECT 1") for _ in range(8))) == [1] * 8
    assert await patient.transact(lambda connection: connection.execute(text("SELECT 2")).scalar()) == 2
    assert await patient.look(lambda connection: connection.execute(text("SELECT 3")).scalar()) == 3


def folder_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["host"][0]


def both(servers: list[str]) -> str:
    hosts = ",".join(folder_of(url) for url in servers)
    return f"postgresql+psycopg://ascend@/postgres?host={hosts}&port=5432,5432&target_session_attrs=read-write"


async def test_the_server_that_takes_writes_is_found_among_several(servers: list[str]) -> None:
    """One is away; then it is back and takes no writes any more, as a primary does that another replaced."""
    databases = [Database(url) for url in servers]
    for database, name in zip(databases, ("one", "two"), strict=True):
        await run(database, f"CREATE TABLE IF NOT EXISTS name AS SELECT '{name}' AS is")
    several = Database(both(servers))
    with stopped(servers[0]):
        assert await told(several, "SELECT name.is FROM name") == "two"
    await several.close()

    several = Database(both(servers))
    assert await told(several, "SELECT name.is FROM name") == "one"
    await several.transact(lambda connection: connection.execute(text("CREATE TABLE IF NOT EXISTS mine (n int)")))
    try:
        async with databases[0].write() as connection:
            await connection.execute(text("ALTER DATABASE postgres SET default_transaction_read_only = on"))
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL")
            )
        assert await told(several, "SELECT name.is FROM name") == "two"
        await run(several, "CREATE TABLE IF NOT EXISTS theirs (n int)")
    finally:
        # Its session was begun before, so it writes as it did.
        await run(databases[0], "ALTER DATABASE postgres RESET default_transaction_read_only")
        for database in (*databases, several):
            await database.close()


async def test_a_server_that_stops_to_take_writes_is_left_with_the_first_that_it_refuses(servers: list[str]) -> None:
    """Its sessions stay open, as those of a primary that was made a standby may; new ones may write, as if it had just been put right."""
    several = Database(both(servers))
    await run(several, "CREATE TABLE IF NOT EXISTS marks (n int)")
    before = await told(several, "SELECT pg_backend_pid()")
    async with several.read() as connection:
        await connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        await connection.commit()
    with pytest.raises(StoreUnavailable):
        await run(several, "CREATE TABLE refused (n int)")
    await run(several, "INSERT INTO marks VALUES (1)")
    assert await told(several, "SELECT count(*) FROM marks") == 1
    assert await told(several, "SELECT pg_backend_pid()") != before
    await several.close()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgresql://a:b@one/x", "postgresql+psycopg://a:b@one/x"),
        (
            "postgres://a:b@one:5433,two/x?sslmode=require",
            "postgresql+psycopg://a:b@/x?sslmode=require&target_session_attrs=read-write&host=one,two&port=5433,5432",
        ),
        (
            "postgresql://a@[fd00::1]:1,[fd00::2]/x?target_session_attrs=any",
            "postgresql+psycopg://a@/x?target_session_attrs=any&host=fd00::1,fd00::2&port=1,5432",
        ),
    ],
)
def test_several_hosts_are_given_as_libpq_takes_them(given: str, kept: str) -> None:
    assert DatabaseUrl().checked(given) == kept
