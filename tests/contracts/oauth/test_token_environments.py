"""A token is known in the environment that it was issued in, and in no other; those of before are of their store's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from oauth.tokens.static_tokens import StaticToken
from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.engines import engine_for
from server.storage.migrate import STATE, migrate
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.rows import ACCESS_TOKENS, GRANTS
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.contracts.databases import empty_database, url_of
from tests.contracts.filled import filled
from tests.contracts.oauth.test_oauth_stores import ACCESS, GRANT, REFRESH


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def test_a_row_of_production_is_no_token_in_a_test_system(database: Database) -> None:
    """Whoever copies rows from store to store gets no session with them."""
    production, testing = SqlGrantStore(database, environment="production"), SqlGrantStore(database, environment="test")
    async with production.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_access_token(ACCESS)
        await rows.add_refresh_token(REFRESH)
    assert await production.live_access_token(ACCESS.token_hash) == ACCESS
    assert await production.live_refresh_token(REFRESH.token_hash) is not None
    assert await testing.live_access_token(ACCESS.token_hash) is None
    assert await testing.live_refresh_token(REFRESH.token_hash) is None
    assert await testing.grant_of_refresh_token(REFRESH.token_hash) is None
    async with testing.transaction() as rows:
        assert await rows.access_token(ACCESS.token_hash) is None
        assert await rows.refresh_token(REFRESH.token_hash) is None


async def test_a_static_token_is_of_its_environment_too(database: Database) -> None:
    static = filled(StaticToken)
    await SqlStaticTokenStore(database, "production").add(static)
    assert await SqlStaticTokenStore(database, "production").find(static.token_hash) == static
    assert await SqlStaticTokenStore(database, "test").find(static.token_hash) is None


async def test_tokens_of_before_are_of_the_environment_of_their_store(tmp_path: Path) -> None:
    """r0039: nobody signs in again because of an upgrade, and no copy of the store serves elsewhere."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    engine = engine_for(url, "BEGIN IMMEDIATE", pool_size=1)
    async with engine.begin() as connection:
        await connection.run_sync(_as_before)
    await engine.dispose()
    await migrate(url)
    opened = Database(url)
    assert await SqlGrantStore(opened, environment="it's production").live_access_token(ACCESS.token_hash) == ACCESS
    assert await SqlGrantStore(opened, environment="test").live_access_token(ACCESS.token_hash) is None
    await opened.close()


def _as_before(connection: Connection) -> None:
    """Make a store of the revision before, with a token in it."""
    config = Config()
    config.set_main_option("script_location", str(STATE.folder))
    config.attributes.update(connection=connection, version_table=STATE.version_table)
    command.upgrade(config, "0038")
    for table, values in (
        ("grants", GRANTS.values(GRANT)),
        ("access_tokens", ACCESS_TOKENS.values(ACCESS)),
        ("store_facts", {"name": "environment", "value": "it's production"}),
    ):
        names = ", ".join(values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in values)})"), values)
