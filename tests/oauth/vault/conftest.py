"""A vault for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Database
from tests.empty_store import put_empty_store
from tests.oauth.vault.vault_world import VaultWorld


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(put_empty_store(tmp_path / "store.sqlite3"))
    yield opened
    await opened.close()


@pytest.fixture
def world(tmp_path: Path, database: Database) -> VaultWorld:
    return VaultWorld(tmp_path, database)
