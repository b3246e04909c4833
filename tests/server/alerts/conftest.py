"""Stores of alerts on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.alerts.stores import AlertStores, alert_stores
from server.storage.database import Database
from tests.empty_store import put_empty_history, put_empty_store


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[AlertStores]:
    state, history = Database(put_empty_store(tmp_path / "state.sqlite3")), Database(put_empty_history(tmp_path / "history.sqlite3"))
    yield alert_stores(state, history)
    await history.close()
    await state.close()
