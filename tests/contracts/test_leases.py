"""What one process does for all, on both databases."""

from server.storage.database import Database
from server.storage.leases import SqlLeases

HOUR_US = 3_600_000_000


async def test_one_process_has_a_lease_until_its_time_is_over(sql_database: Database) -> None:
    leases = SqlLeases(sql_database)
    assert await leases.take("housekeeping", "one", HOUR_US)
    assert await leases.take("housekeeping", "one", HOUR_US)
    assert not await leases.take("housekeeping", "two", HOUR_US)
    assert await leases.take("another", "two", HOUR_US)
    assert await leases.take("housekeeping", "one", -1)
    assert await leases.take("housekeeping", "two", HOUR_US)


async def test_who_gives_a_lease_back_is_followed_at_once(sql_database: Database) -> None:
    leases = SqlLeases(sql_database)
    await leases.take("housekeeping", "one", HOUR_US)
    await leases.release("housekeeping", "two")
    assert not await leases.take("housekeeping", "two", HOUR_US)
    await leases.release("housekeeping", "one")
    assert await leases.take("housekeeping", "two", HOUR_US)
