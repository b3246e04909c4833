"""What the contracts of the change feed share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Database
from tests.contracts.databases import empty_database, url_of


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store that several processes may share."""
    async with empty_database(url_of(request.param, request, tmp_path)) as database:
        yield database
