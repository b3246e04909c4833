"""What the contracts share: an empty database of each kind, and one PostgreSQL for all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.storage.database import Database
from tests.contracts.databases import empty_database, empty_history, url_of
from tests.contracts.postgres import postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database | None]:
    """An empty database of each kind; None: the stores in memory are asked."""
    if request.param == "memory":
        yield None
        return
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
async def history_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty history of each kind."""
    async with empty_history(request.param, request, tmp_path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
async def sql_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of each kind, for stores that nobody keeps in memory."""
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened
