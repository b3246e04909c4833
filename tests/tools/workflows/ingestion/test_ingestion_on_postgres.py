"""Ingestion on PostgreSQL: the same outcome as on the SQLite file."""

from datetime import timedelta
from pathlib import Path

from tests.contracts.postgres import postgres_server
from tests.tools.workflows.ingestion.gong_days import DAY, EVERY_FAULT, stand_in, taking_in, unattended


async def test_with_every_fault_none_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    with postgres_server() as url:
        async with taking_in(tmp_path, stand_in(30, DAY + timedelta(hours=12), **EVERY_FAULT), database_url=url) as gong:
            verdict = await unattended(gong)
    assert (verdict.failed, verdict.lost, verdict.twice, verdict.strangers, verdict.outdated) == (0, 0, 0, 0, 0)
    assert verdict.passages == verdict.taken > 20
    assert verdict.highest_per_s <= 3
