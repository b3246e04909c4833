"""Days as partitions of `call_records` in PostgreSQL: made a week ahead, and dropped whole when they are old.

What comes for a day that has none (a clock far ahead, old rows) goes to the partition for the rest, whose rows are deleted one by one.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from server.storage.history.rollups import DAY_US

DAYS_AHEAD = 7
#: any number, as long as every release has the same one
PARTITION_LOCK = 0x63616C6C73
_PREFIX = "call_records_d"


def make_ahead(connection: Connection, now_us: int) -> None:
    """Make the partitions of today and the next days, where they are missing; nodes that do it together take turns."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": PARTITION_LOCK})
    there = set(days_of(connection))
    for day in range(now_us // DAY_US, now_us // DAY_US + DAYS_AHEAD + 1):
        if day not in there and not _rest_has(connection, day):
            bounds = f"FROM ({day * DAY_US}) TO ({(day + 1) * DAY_US})"
            connection.execute(text(f"CREATE TABLE {_name_of(day)} PARTITION OF call_records FOR VALUES {bounds}"))


def drop_before(connection: Connection, time_us: int) -> int:
    """Drop the partitions of days that ended before; return how many there were."""
    old = [day for day in days_of(connection) if (day + 1) * DAY_US <= time_us]
    for day in old:
        connection.execute(text(f"DROP TABLE {_name_of(day)}"))
    return len(old)


def days_of(connection: Connection) -> list[int]:
    """Return the days that have a partition."""
    query = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'call_records'::regclass"
    names = connection.execute(text(query)).scalars()
    return sorted(_day_of(name) for name in names if name.startswith(_PREFIX))


def _rest_has(connection: Connection, day: int) -> bool:
    """Say whether rows of a day are among the rest: a partition for it cannot be made then, and they stay where they are."""
    query = "SELECT EXISTS (SELECT 1 FROM call_records_rest WHERE time >= :first AND time < :last)"
    return bool(connection.execute(text(query), {"first": day * DAY_US, "last": (day + 1) * DAY_US}).scalar())


def _name_of(day: int) -> str:
    return f"{_PREFIX}{datetime.fromtimestamp(day * DAY_US / 1_000_000, UTC):%Y%m%d}"


def _day_of(name: str) -> int:
    return int(datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1_000_000) // DAY_US
