"""A token is known in the environment that it was issued in, and in no other; those of before are of their store's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oauth.tokens.static_tokens import StaticToken
from server.storage.database import Database
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.contracts.databases import empty_database, url_of
from tests.contracts.filled import filled
from tests.contracts.test_oauth_stores import ACCESS, GRANT, REFRESH


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
