"""How far sinks have come, on both stores: one process sends, and what it leaves behind is the same for the next."""

import pytest

from server.storage.database import Database
from server.storage.history.sink_cursors import LeaseLost, SinkCursor, SqlSinkCursors

MINUTE_US = 60 * 1_000_000


async def taken(cursors: SqlSinkCursors, owner: str = "a", lease_us: int = MINUTE_US) -> SinkCursor:
    found = await cursors.take("archive", "calls", owner, lease_us)
    assert found is not None
    return found


async def test_a_cursor_begins_once_and_goes_on_where_it_was(history_database: Database) -> None:
    cursors = SqlSinkCursors(history_database)
    assert await cursors.take("archive", "calls", "a", MINUTE_US) is None
    await cursors.begin("archive", "calls", 7)
    await cursors.begin("archive", "calls", 9)
    cursor = await taken(cursors)
    assert (cursor.position, cursor.pending, cursor.owner, cursor.lag_s) == (7, 7, "a", 0.0)
    await cursors.sending(cursor, 12)
    # Who comes after a process that died here sends the same rows again.
    assert (await taken(cursors)).pending == 12
    await cursors.arrived(cursor, 12, 5, 1, 0)
    cursor = await taken(cursors)
    assert (cursor.position, cursor.pending, cursor.sent_rows, cursor.lost_rows) == (12, 12, 4, 1)
    assert [each.sink for each in await cursors.all()] == ["archive"]


async def test_only_one_process_has_it_and_who_lost_it_changes_nothing(history_database: Database) -> None:
    cursors = SqlSinkCursors(history_database)
    await cursors.begin("archive", "calls", 0)
    old = await taken(cursors, lease_us=-1)
    new = await taken(cursors, "b")
    assert await cursors.take("archive", "calls", "a", MINUTE_US) is None
    for late in (cursors.sending(old, 5), cursors.arrived(old, 5, 5, 0, 0), cursors.failed(old, "x", 0), cursors.skipped(old, 9, 9)):
        with pytest.raises(LeaseLost):
            await late
    await cursors.arrived(new, 3, 3, 0, 0)
    # What was said of a place that it has left already is of no use either.
    with pytest.raises(LeaseLost):
        await cursors.sending(new, 9)
    assert (await taken(cursors, "b")).position == 3


async def test_failures_and_losses_are_on_record_until_something_arrives(history_database: Database) -> None:
    cursors = SqlSinkCursors(history_database)
    await cursors.begin("archive", "calls", 0)
    cursor = await taken(cursors)
    await cursors.sending(cursor, 10)
    await cursors.failed(cursor, "e" * 1_000, 77)
    await cursors.failed(cursor, "too large", 88, keeps_range=False)
    failed = await taken(cursors)
    assert (failed.failures, failed.error, failed.next_try_at_us, failed.pending) == (2, "too large", 88, 0)
    await cursors.stands(failed, 5)
    assert (await taken(cursors)).lag_s > 0
    await cursors.skipped(failed, 4, 4)
    skipped = await taken(cursors)
    await cursors.arrived(skipped, 6, 2, 0, 0)
    done = await taken(cursors)
    assert (done.failures, done.next_try_at_us, done.lost_rows, done.sent_rows, done.lag_s) == (0, 0, 4, 2, 0.0)
    # Why it failed last stays to be read.
    assert (done.error, done.failed_at_us > 0) == ("too large", True)


async def test_cursors_that_nobody_has_had_for_long_go(history_database: Database) -> None:
    cursors = SqlSinkCursors(history_database)
    await cursors.begin("archive", "calls", 0)
    cursor = await taken(cursors)
    await cursors.forget_before(cursor.leased_until_us)
    assert await cursors.all()
    await cursors.forget_before(cursor.leased_until_us + 1)
    assert not await cursors.all()
