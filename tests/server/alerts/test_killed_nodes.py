"""kill -9 at every step between a look and the answer of a sink."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import anyio

from server.storage.alerts.outbox import SqlAlertOutbox
from server.storage.database import Database
from tests.conftest import REPOSITORY
from tests.empty_store import put_empty_history, put_empty_store
from tests.server.alerts.stand_ins import stand_ins

#: what is kept, the claim, the wire, the note
POINTS = 4


async def test_an_alert_whose_node_is_killed_is_told_by_the_next_and_nothing_is_lost(tmp_path: Path) -> None:
    await killed_at_every_step(put_empty_store(tmp_path / "state.sqlite3"), put_empty_history(tmp_path / "history.sqlite3"))


async def killed_at_every_step(*urls: str) -> None:
    """At least once: where a message was on the wire, its second has the same id. Nowhere is a second message decided.

    urls: of an empty state and of its history.
    """
    async with stand_ins() as servers:
        command = [sys.executable, "-m", "tests.server.alerts.killed_node", *urls, f"{servers.base_url}/hook"]
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
        with anyio.fail_after(120):
            said, _ = await process.communicate()
    assert process.returncode == 0
    rounds = said.decode().splitlines()
    assert len(rounds) >= POINTS
    told = Counter(alert["summary"] for _, body in servers.webhook for alert in body["data"]["alerts"] if alert["state"] == "firing")
    assert set(rounds) <= set(told)
    database = Database(urls[0])
    deliveries = await SqlAlertOutbox(database).recent(1_000)
    await database.close()
    assert {each.state for each in deliveries} == {"sent"}
    # As many messages as decisions: what came twice is one of those few whose node died between the answer and its note of it.
    ids = Counter(event_id for event_id, _ in servers.webhook)
    assert len(ids) == len(deliveries)
    assert 1 <= len(servers.webhook) - len(ids) <= 5
