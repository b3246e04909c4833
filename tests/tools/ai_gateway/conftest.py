"""A store of configurations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.database import Database
from tests.empty_store import put_empty_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlAiConfigs]:
    database = Database(put_empty_store(tmp_path / "store.sqlite3"))
    yield SqlAiConfigs(database)
    await database.close()
