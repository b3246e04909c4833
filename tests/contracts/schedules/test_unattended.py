"""Days and weeks of schedules on two nodes, with time compressed: no slot is missed, none is started twice."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.contracts.databases import empty_database, url_of
from tests.contracts.schedules.run_rows import RunRows
from tools.workflows.run_keys import slot_key
from tools.workflows.schedules.builtin import builtin_schedules
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule
from tools.workflows.schedules.slots import Slots

#: a Saturday, the day before the clocks of Berlin go back
START = int(datetime(2026, 10, 24, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3600 * 1_000_000


@dataclass(frozen=True)
class Passed:
    """What began while nobody looked, how often each, and what the nodes counted together."""

    started: Counter[str]
    slots: Counter[str]


async def unattended(url: str, schedules: list[Schedule], hours: int) -> Passed:
    """Let two nodes, each with connections of its own and clocks that differ by a second, look at every due time side by side."""
    async with empty_database(url) as here:
        there = Database(url)
        runs = RunRows(here)
        stores = [SqlScheduleStore(here), SqlScheduleStore(there)]
        nodes = [Slots(store, runs) for store in stores]
        for schedule in schedules:
            await stores[0].put(schedule)
        now_us, end_us = START, START + hours * HOUR
        while now_us < end_us:
            async with anyio.create_task_group() as group:
                group.start_soon(nodes[0].take_due, now_us)
                group.start_soon(nodes[1].take_due, now_us + 1_000_000)
            await runs.take()
            next_us = await stores[0].next_due_us()
            assert next_us is not None
            now_us = next_us
        await there.close()
        return Passed(Counter(runs.started), Counter(nodes[0].counts.slots) + Counter(nodes[1].counts.slots))


def each_slot_once(schedules: list[Schedule], hours: int) -> Passed:
    """Return what passes where no slot is missed and none is started twice."""
    end_us = START + hours * HOUR
    runs = [f"{each.tenant_id}:{each.workflow}:{slot_key(each.name, slot)}" for each in schedules for slot in slots(each.cron, end_us)]
    return Passed(Counter(runs), Counter(started=len(runs)))


def slots(cron: Cron, end_us: int) -> list[int]:
    found, at_us = [], START
    while (following := cron.next_after(at_us)) is not None and following < end_us:
        found.append(following)
        at_us = following
    return found


def schedule(name: str, cron: str, zone: str = "UTC") -> Schedule:
    at = Cron(cron, zone)
    return Schedule("acme", name, "report", at, next_at_us=at.next_after(START))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_day_passes_unattended(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What each tenant has, one each half hour, and one at a time of the night that comes twice."""
    mine = [schedule("often", "*/30 * * * *"), schedule("nightly", "30 2 * * *", "Europe/Berlin")]
    schedules = [*builtin_schedules("acme", START), *mine]
    assert await unattended(url_of(kind, request, tmp_path), schedules, 24) == each_slot_once(schedules, 24)


async def test_thirty_days_pass_unattended(tmp_path: Path) -> None:
    """Over the nights in which the clocks of Berlin and New York go back; what each tenant has by the hour, the day above shows."""
    mine = [
        schedule("shifts", "5 */6 * * *", "Europe/Berlin"),
        schedule("nightly", "30 2 * * *", "Europe/Berlin"),
        schedule("working", "0 9,17 * * MON-FRI", "America/New_York"),
        schedule("weekly", "0 6 * * MON"),
        schedule("last", "0 12 L * *", "Asia/Kathmandu"),
    ]
    brought = [each for each in builtin_schedules("acme", START) if not each.cron.expression.endswith(" * * * *")]
    schedules = [*brought, *mine]
    assert await unattended(sqlite_url(tmp_path / "store.sqlite3"), schedules, 30 * 24) == each_slot_once(schedules, 30 * 24)
