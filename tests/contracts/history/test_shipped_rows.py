"""Rows as log sinks read them, on both stores: none is passed over, whatever order transactions end in, and the trail can be followed."""

import hashlib
import json
import threading
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import Connection, delete

from server.storage.audit.chain import START
from server.storage.audit.reading import SqlAuditTrail
from server.storage.database import Database, StoreUnavailable, now_us
from server.storage.history import call_rows, event_lines
from server.storage.history.calls import SqlCallHistory
from server.storage.history.event_lines import EventLine, SqlEventLines
from server.storage.history.shipped_removal import remove_shipped
from server.storage.history.shipped_rows import ShippedRow, Span, SqlShippedRows, Stream
from server.storage.history.sink_cursors import SqlSinkCursors
from server.storage.history.tables import call_records
from tests.contracts.administration.test_audit_trail import changed
from tests.contracts.databases import empty_history
from tests.contracts.history.test_call_history import call

NOON_US = 1_700_000_000_123_456


async def test_calls_are_read_in_the_order_of_their_numbers(history_database: Database) -> None:
    reading, calls = SqlShippedRows(history_database, history_database), SqlCallHistory(history_database, "node-1")
    assert (await reading.span("calls")).last < (await reading.span("calls")).first
    await calls.append_calls([call(f"op.{number}", at_us=NOON_US - number) for number in range(5)])
    span = await reading.span("calls")
    rows = await reading.rows("calls", span.first - 1, span.last, 100)
    assert [row["operation"] for row in rows] == [f"op.{number}" for number in range(5)]
    assert (rows[0]["time"], rows[0]["time_us"], rows[0]["node"]) == ("2023-11-14T22:13:20.123456Z", NOON_US, "node-1")
    assert [row["seq"] for row in await reading.rows("calls", span.first, span.last - 1, 2)] == [span.first + 1, span.first + 2]
    await history_database.transact(lambda connection: connection.execute(delete(call_records).where(call_records.c.seq <= span.first + 1)))
    assert await reading.span("calls") == Span(span.first + 2, span.last)


@pytest.mark.parametrize("stream", ["calls", "lines"])
async def test_a_stream_that_was_emptied_goes_on_and_no_row_is_lost_or_passed_over(stream: Stream, history_database: Database) -> None:
    """What arrived stays arrived: PostgreSQL goes on with higher numbers, SQLite gives the same again, and cursors go back with it."""
    reading, cursors = SqlShippedRows(history_database, history_database), SqlSinkCursors(history_database)

    async def write(*names: str) -> None:
        for name in names:
            await history_database.transact(partial(written, stream=stream, name=name))

    await write("a", "b", "c")
    span = await reading.span(stream)
    await cursors.begin("archive", stream, span.last)
    await cursors.begin("slow", stream, span.first)
    if stream == "calls":
        await SqlCallHistory(history_database).forget_before(now_us())
    else:
        await SqlEventLines(history_database).sweep(now_us())
    empty = await reading.span(stream)
    assert empty.first == empty.last + 1
    before = {each.sink: each for each in await cursors.all()}
    assert before["archive"].lost_rows == 0
    await write("d")
    span = await reading.span(stream)
    assert before["archive"].position == span.first - 1 == span.last - 1
    # Two rows had not arrived there: told by the sender where numbers go on, else counted as they went.
    assert before["slow"].lost_rows + span.first - 1 - before["slow"].position == 2


async def test_the_newest_rows_may_go_and_nothing_begins_anew(history_database: Database) -> None:
    reading, calls = SqlShippedRows(history_database, history_database), SqlCallHistory(history_database)
    await calls.append_calls([call(f"op.{number}") for number in range(3)])
    cursors, last = SqlSinkCursors(history_database), (await reading.span("calls")).last
    await cursors.begin("archive", "calls", last)
    newest = call_records.c.seq == last
    await history_database.transact(lambda connection: remove_shipped(connection, "calls", call_records, newest))
    span = await reading.span("calls")
    assert [each.position for each in await cursors.all()] == [span.last]


@pytest.mark.parametrize("stream", ["calls", "lines"])
async def test_a_row_of_a_slow_transaction_is_not_passed_over(stream: Stream, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """PostgreSQL numbers rows as they are written: whoever looks meanwhile waits, or is told that the store does not answer."""
    async with empty_history("postgresql", request, tmp_path) as history:
        reading = SqlShippedRows(history, history)
        begun, ends = threading.Event(), threading.Event()

        def slow(connection: Connection) -> None:
            written(connection, stream, "slow")
            begun.set()
            ends.wait(30)

        async with anyio.create_task_group() as group:
            group.start_soon(history.transact, slow)
            await anyio.to_thread.run_sync(begun.wait, 30)
            with pytest.raises(StoreUnavailable):
                await reading.span(stream)
            ends.set()
        await history.transact(lambda connection: written(connection, stream, "quick"))
        span = await reading.span(stream)
        rows = await reading.rows(stream, span.first - 1, span.last, 100)
        assert [row.get("operation", row.get("event")) for row in rows] == ["slow", "quick"]


def written(connection: Connection, stream: Stream, name: str) -> None:
    if stream == "calls":
        call_rows.append(connection, [call(name)], "node")
    else:
        event_lines.append(connection, [EventLine(NOON_US, "info", name, "ascend", "", "{}")], "node")


async def test_lines_are_kept_read_and_swept(history_database: Database) -> None:
    """By age, and the oldest of too many; those of a trace are found by it."""
    lines, reading = SqlEventLines(history_database, "node-1", max_lines=3), SqlShippedRows(history_database, history_database)
    await lines.append([])
    told = [EventLine(NOON_US + number, "info", f"event_{number}", "ascend", "t" * 32 * (number % 2), '{"a":1}') for number in range(6)]
    await lines.append(told)
    span = await reading.span("lines")
    rows = await reading.rows("lines", span.first - 1, span.last, 100)
    assert [(row["event"], row["facts"], row["node"]) for row in rows] == [(f"event_{number}", {"a": 1}, "node-1") for number in range(6)]
    assert [line.event for line in await lines.of_trace("t" * 32)] == ["event_1", "event_3", "event_5"]
    assert await lines.of_trace("") == []
    assert await lines.sweep(NOON_US + 1) == 3
    assert [line.event for line in await lines.of_trace("t" * 32)] == ["event_3", "event_5"]
    assert await lines.sweep(NOON_US + 10) == 3


def followed(rows: list[ShippedRow], before: str) -> str:
    """Follow the chain with nothing but Python's library, as a stranger would; return the last hash."""
    for row in rows:
        names = ("seq", "time_us", "tenant_id", "actor", "surface", "action", "target", "details", "trace_id")
        sealed = json.dumps([before, *(row[name] for name in names)], separators=(",", ":"), ensure_ascii=False)
        assert row["before"] == before
        assert row["hash"] == hashlib.sha256(sealed.encode()).hexdigest()
        before = row["hash"]
    return before


async def test_the_trail_is_shipped_so_that_a_stranger_can_follow_it(sql_database: Database) -> None:
    """From its first row, from any page on, and after its oldest rows were removed."""
    reading, trail = SqlShippedRows(sql_database, sql_database), SqlAuditTrail(sql_database)
    assert await reading.span("audit") == Span(1, 0)
    await changed(sql_database, *range(5))
    assert await reading.span("audit") == Span(1, 5)
    first = list(await reading.rows("audit", 0, 5, 2))
    then = list(await reading.rows("audit", 2, 5, 100))
    last = followed(then, followed(first, START))
    assert last == (await trail.verify()).last_hash
    await trail.sweep(int(then[-1]["time_us"]))
    span = await reading.span("audit")
    assert followed(list(await reading.rows("audit", span.first - 1, span.last, 9)), str(then[-1]["before"])) == last


async def test_what_is_not_settled_is_not_in_the_span_of_the_trail(sql_database: Database) -> None:
    """Rows get their numbers in the order of their commits: a transaction that was undone leaves no gap."""
    reading = SqlShippedRows(sql_database, sql_database)
    await changed(sql_database, 1)
    with pytest.raises(ZeroDivisionError):
        await sql_database.transact(lambda _connection: 1 / 0)
    await changed(sql_database, 2)
    assert [row["seq"] for row in await reading.rows("audit", 0, (await reading.span("audit")).last, 9)] == [1, 2]
