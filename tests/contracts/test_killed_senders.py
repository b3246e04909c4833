"""kill -9 of whoever tells alerts and sends rows, on PostgreSQL: at least once, as on SQLite."""

from pathlib import Path

import pytest

from tests.contracts.databases import empty_database, empty_history
from tests.server.alerts import test_killed_nodes
from tests.server.log_sinks.test_killed_senders import every_row_reaches_a_url, filled


@pytest.fixture
async def url(postgres_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with both schemas."""
    async with empty_database(postgres_url), empty_history("postgresql", request, tmp_path):
        return postgres_url


async def test_alerts_of_a_node_that_is_killed_are_told_by_the_next(url: str) -> None:
    await test_killed_nodes.killed_at_every_step(url, url)


async def test_rows_of_a_sender_that_is_killed_arrive_by_the_next(url: str) -> None:
    await every_row_reaches_a_url(await filled(url), stride=5)
