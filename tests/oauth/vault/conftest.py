"""A vault for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Database
from tests.empty_store import put_empty_store
from tests.oauth.vault.vault_world import VaultWorld


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[VaultWorld]:
    database = Database(put_empty_store(tmp_path / "store.sqlite3"))
    yield VaultWorld(tmp_path, database)
    await database.close()
