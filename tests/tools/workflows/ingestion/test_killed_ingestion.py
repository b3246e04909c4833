"""A gateway that is killed while it takes in: whichever comes next goes on, nothing is lost, nothing comes twice."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from server.demo.gong.api import GongStandIn
from server.demo.stand_ins.vendor import serving_vendor
from server.http.listen import listen
from tests.forked.module import ForkedModule
from tests.tools.workflows.ingestion.ingesting import SECRET
from tests.waiting import until

CALLS = 12
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def count(folder: Path, query: str) -> int:
    """Ask the gateway's store; 0 where it is not there yet."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{folder / 'ascend.sqlite3'}?mode=ro", uri=True)) as store:
        return int(store.execute(query).fetchone()[0])
    return 0


def begun(folder: Path, url: str) -> ForkedModule:
    return ForkedModule("tests.tools.workflows.ingestion.killed_ingestion", str(folder), url)


@pytest.mark.time_limit(240)
async def test_a_gateway_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    first_day = datetime.now(UTC).date() - timedelta(days=2)
    gong = GongStandIn(SECRET, per_day=CALLS, first_day=first_day, days=1)
    folder = tmp_path / "data"
    episodes = "SELECT count(*) FROM episodes WHERE source = 'gong'"
    # Within the window, and while its items are taken in.
    moments = (lambda: gong.traffic.total >= 2, lambda: count(folder, episodes) >= 3)
    async with serving_vendor(gong, listen("127.0.0.1", 0)) as url:
        for reached in moments:
            process = begun(folder, url)
            await until(reached)
            process.kill()
            await anyio.to_thread.run_sync(process.communicate)
        assert await anyio.to_thread.run_sync(begun(folder, url).communicate) == "done\n"
    calls = [call for call in gong.calls.started_within(*EVER, gong.clock.now) if not call.is_private]
    assert (
        0 < count(folder, episodes) == count(folder, "SELECT count(DISTINCT source_id) FROM episodes WHERE source = 'gong'") == len(calls)
    )
    assert count(folder, "SELECT count(*) FROM documents") == len(calls)
    assert count(folder, "SELECT count(*) FROM workflow_runs WHERE workflow = 'ingest-item' AND state = 'succeeded'") == len(calls)
    assert count(folder, "SELECT count(*) FROM workflow_runs WHERE state <> 'succeeded'") == 0
    assert gong.traffic.highest_per_s <= 3
