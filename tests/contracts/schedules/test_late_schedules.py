"""Which schedules are late, on both databases: what rules of alerts ask, and what operators see of it in metrics."""

from dataclasses import replace

from server.storage.database import Database
from tests.contracts.schedules.run_rows import RunRows
from tests.contracts.schedules.test_scheduler import HOUR, HOURLY, MINUTE, TEN, Node
from tools.workflows.schedules.schedule import LateSchedule


async def late(node: Node, now_us: int) -> list[LateSchedule]:
    node.now_us = now_us
    return list(await node.scheduler.late_schedules())


async def test_a_slot_that_no_node_takes_makes_its_schedule_late_after_a_minute(sql_database: Database) -> None:
    node = Node(sql_database, RunRows(sql_database))
    await node.store.put(HOURLY)
    assert await late(node, TEN + MINUTE - 1) == []
    assert await late(node, TEN + 3 * HOUR) == [LateSchedule("acme", "hourly", TEN, "not_taken", TEN + HOUR)]
    assert node.scheduler.counts.late_since_us == {"custom": TEN}
    await node.at(TEN + 3 * HOUR)
    assert await late(node, TEN + 3 * HOUR) == []
    assert node.scheduler.counts.late_since_us == {}
    assert node.scheduler.counts.missed == {"custom": 3}


async def test_a_schedule_whose_run_goes_on_over_its_next_slots_is_late_since_the_first_of_them(sql_database: Database) -> None:
    """Until that run has ended; a pause ends it, too."""
    runs = RunRows(sql_database)
    node = Node(sql_database, runs)
    await node.store.put(HOURLY)
    runs.becomes = "running"
    for hours in range(3):
        await node.at(TEN + hours * HOUR)
    assert await late(node, TEN + 2 * HOUR) == [LateSchedule("acme", "hourly", TEN + HOUR, "still_running", TEN + 2 * HOUR)]
    assert node.scheduler.counts.missed == {"custom": 2}
    # While the scheduler stands still besides, it is one late schedule and not two.
    assert [each.why for each in await late(node, TEN + 4 * HOUR)] == ["not_taken"]
    await node.store.pause("acme", "hourly")
    assert await late(node, TEN + 4 * HOUR) == []
    await node.store.put(replace(HOURLY, next_at_us=TEN + 5 * HOUR))
    assert len(await late(node, TEN + 4 * HOUR)) == 1
    await runs.end(runs.started[0], "succeeded")
    await node.slots.look_at_runs(TEN + 4 * HOUR)
    assert await late(node, TEN + 4 * HOUR) == []


async def test_schedules_of_suspended_tenants_are_never_late_and_each_tenant_has_its_own(sql_database: Database) -> None:
    node = Node(sql_database, RunRows(sql_database), is_live=lambda tenant_id: tenant_id != "gone")
    for tenant_id in ("acme", "globex", "gone"):
        await node.store.put(replace(HOURLY, tenant_id=tenant_id, name="token-health" if tenant_id == "globex" else "hourly"))
    assert [(each.tenant_id, each.name) for each in await late(node, TEN + HOUR)] == [("acme", "hourly"), ("globex", "token-health")]
    assert node.scheduler.counts.late_since_us == {"custom": TEN, "token-health": TEN}
