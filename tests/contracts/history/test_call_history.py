"""The history of calls on both stores: every column, its sums, whose they are, and how old rows come and go."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.history.calls import CallFilter, SqlCallHistory
from server.storage.history.moving import BATCH_ROWS, move_old_calls
from server.storage.history.partitions import days_of
from server.storage.history.rollups import DAY_US, HOUR_US, percentile_ms
from server.storage.history.tables import BUCKETS, BUCKETS_MS, call_days, call_hours, call_records, error_ledger, operation_days
from server.storage.memory.tools import MemoryCallRecords
from server.storage.schema.tool_tables import call_records_before
from tests.contracts.databases import empty_database, empty_history, url_of
from tests.contracts.filled import filled
from tools.stores import CallRecord

ADA = Principal("acme", "ada", "client", frozenset({"mcp"}), "grant")
STRANGERS = (replace(ADA, subject="grace"), replace(ADA, tenant_id="globex"))
EVERYTHING = CallFilter(since_us=0)
OLD = {
    "tenant": "acme",
    "tool": "call_api",
    "operation": "op",
    "auth_method": "access_token",
    "duration_ms": 1.5,
    "success": True,
    "error_code": None,
    "trace_id": "t",
    "subject": "ada",
    "client": "client",
}


def call(operation: str = "crm.deals.list", code: str | None = None, at_us: int = DAY_US, **more: object) -> CallRecord:
    record = CallRecord(
        tenant_id="acme",
        tool="call_api",
        operation=operation,
        auth_method="access_token",
        duration_ms=12.5,
        success=code is None,
        error_code=code,
        trace_id="t" * 32,
        subject="ada",
        client_id="client",
        called_at_us=at_us,
        error_class="" if code is None else "upstream",
    )
    return replace(record, **more)  # type: ignore[arg-type]


@pytest.fixture
async def history(history_database: Database) -> SqlCallHistory:
    return SqlCallHistory(history_database, "node-1")


async def test_every_column_comes_back(history: SqlCallHistory) -> None:
    full = filled(CallRecord, called_at_us=DAY_US, tenant_id="acme", error_code="upstream_error", upstream_status=503, success=False)
    await history.append_calls([full, call()])
    kept = await history.calls(EVERYTHING, 9)
    assert [each.record for each in kept] == [call(), full]
    assert {each.node for each in kept} == {"node-1"}
    assert [each.record for each in await history.trace(full.trace_id)] == [full]
    assert await history.trace(full.trace_id, "globex") == []
    await history.append_calls([])


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
async def test_recent_calls_are_the_principals_own_newest_first(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """CallHistory: nobody reads another subject's calls."""
    records = [call("a"), call("b", "timeout"), *(call("x", subject=each.subject, tenant_id=each.tenant_id) for each in STRANGERS)]
    async for history in _history_of(kind, request, tmp_path):
        await history.append_calls(records)
        assert [each.operation for each in await history.recent(ADA, 10)] == ["b", "a"]
        assert await history.recent(ADA, 10, failures_only=True) == [records[1]]
        assert len(await history.recent(ADA, 1)) == 1


async def _history_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[MemoryCallRecords | SqlCallHistory]:
    if kind == "memory":
        yield MemoryCallRecords()
        return
    async with empty_history(kind, request, folder) as database:
        yield SqlCallHistory(database)


async def test_calls_are_found_by_what_an_operator_asks(history: SqlCallHistory) -> None:
    """Each filter alone, and a page after a page without a gap."""
    await history.append_calls([call(f"op.{number}", at_us=DAY_US + number) for number in range(7)])
    odd = call(
        "crm.deals.update", "upstream_error", DAY_US + 9, tenant_id="globex", subject="grace", client_id="other", duration_ms=2_000.0
    )
    await history.append_calls([odd])
    by = (
        CallFilter(0, tenant_id="globex"),
        CallFilter(0, subject="grace"),
        CallFilter(0, client_id="other"),
        CallFilter(0, operation="crm.deals.update"),
        CallFilter(0, error_class="upstream"),
        CallFilter(0, error_code="upstream_error"),
        CallFilter(0, at_least_ms=1_000),
        CallFilter(0, failures_only=True),
        CallFilter(DAY_US + 8),
    )
    for which in by:
        assert [each.record for each in await history.calls(which, 9)] == [odd], which
    assert len(await history.calls(CallFilter(0, until_us=DAY_US + 3), 9)) == 3
    seen: list[str] = []
    before = None
    while page := await history.calls(EVERYTHING, 3, before):
        seen += [each.record.operation for each in page]
        before = (page[-1].record.called_at_us, page[-1].seq)
    assert seen == ["crm.deals.update", *(f"op.{number}" for number in reversed(range(7)))]


async def test_calls_of_one_operation_are_looked_for_on_the_days_on_which_it_was_used(
    history: SqlCallHistory, history_database: Database
) -> None:
    """Nothing is hidden by that: not what had an unknown name, a long one, or sums that are gone already."""
    long = "crm." + "x" * 196
    given = [(1, "crm.deals.list"), (2, "crm.gone.list"), (3, long), (4, "crm.deals.list"), (5, "crm.deals.list"), (9, "crm.deals.get")]
    for day, name in given:
        await history.append_calls([call(name, "unknown_operation" if "gone" in name else None, at_us=day * DAY_US + 7)])

    async def days(operation: str, since: int, until: int | None = None) -> list[int]:
        which = CallFilter(since * DAY_US, None if until is None else until * DAY_US, operation=operation)
        found = [kept.record.called_at_us // DAY_US for kept in await history.calls(which, 10)]
        assert await history.count(which, 10) == len(found)
        return found

    assert await days("crm.deals.list", 1) == [5, 4, 1]
    assert await days("crm.deals.list", 2, 5) == [4]
    assert await days("crm.gone.list", 1, 20) == [2]
    assert await days(long, 1) == [3]
    assert await days("crm.deals.get", 1, 9) == []
    assert await days("crm.nobody.calls", 1) == []
    await history.forget_sums_before(hours_us=0, errors_us=0, days_us=5 * DAY_US, decisions_us=0)
    assert await days("crm.deals.list", 1) == [5, 4, 1]
    assert await days("crm.gone.list", 1) == [2]


async def test_sums_are_those_of_the_rows(history: SqlCallHistory, history_database: Database) -> None:
    """Random calls in many batches add up in each rollup, whatever the batches were."""
    chance = random.Random(4)
    records = [
        call(
            f"op.{chance.randrange(3)}",
            chance.choice([None, None, "upstream_error", "timeout"]),
            DAY_US * 3 + chance.randrange(4) * HOUR_US * 9,
            tool=chance.choice(["call_api", "batch_execute", "invented by a client"]),
            duration_ms=chance.choice([1.0, 5.0, 5.1, 99.0, 100_000.0]),
            upstream_ms=chance.choice([None, 3.0]),
            tenant_id=chance.choice(["acme", "globex"]),
        )
        for _ in range(300)
    ]
    for first in range(0, 300, 37):
        await history.append_calls(records[first : first + 37])
    async with history_database.read() as connection:
        hours = (await connection.execute(select(call_hours))).all()
        days = (await connection.execute(select(call_days))).all()
        uses = (await connection.execute(select(operation_days))).all()
    for sums in (hours, days):
        assert sum(row.calls for row in sums) == 300
        assert sum(row.sum_ms for row in sums) == pytest.approx(sum(each.duration_ms for each in records))
        assert sum(row.sum_upstream_ms for row in sums) == pytest.approx(sum(each.upstream_ms or 0 for each in records))
        assert max(row.max_ms for row in sums) == 100_000.0
        assert {row.tool for row in sums} == {"call_api", "batch_execute", "operation"}
        short = sum(row.b0 for row in sums)
        assert short == sum(each.duration_ms <= 5 for each in records)
        assert sum(row.b1 for row in sums) == sum(5 < each.duration_ms <= 10 for each in records)
    assert len({row.hour for row in hours}) == 4
    assert sum(row.calls for row in uses) == 300
    assert sum(row.failures for row in uses) == sum(not each.success for each in records)


async def test_failures_of_one_kind_are_told_once(history: SqlCallHistory, history_database: Database) -> None:
    """Numbers in a reason do not tell kinds apart, tenants do; the ledger says first, last, how often and one trace."""
    await history.append_calls(
        [
            call("a", "upstream_error", DAY_US + 1, reason="answered 503", trace_id="1" * 32),
            call("a", "upstream_error", DAY_US + 5, reason="answered 502", trace_id="2" * 32),
            call("a", "upstream_error", DAY_US + 3, reason="answered 500", tenant_id="globex"),
        ]
    )
    await history.append_calls([call("a", "upstream_error", DAY_US + 9, reason="answered 504", trace_id="3" * 32)])
    invented = [f"made-up-{number}" for number in range(20)]
    await history.append_calls([call(name, "unknown_operation", DAY_US + 2, reason=f"no {name}") for name in invented])
    async with history_database.read() as connection:
        rows = (await connection.execute(select(error_ledger).order_by(error_ledger.c.tenant, error_ledger.c.count))).all()
        names = set((await connection.execute(select(operation_days.c.operation))).scalars())
    assert [(row.tenant, row._mapping["count"], row.first_at - DAY_US, row.last_at - DAY_US) for row in rows] == [
        ("acme", 3, 1, 9),
        ("acme", 20, 2, 2),
        ("globex", 1, 3, 3),
    ]
    assert (rows[0].last_trace_id, rows[0].state, rows[1].operation) == ("3" * 32, "open", "(unknown)")
    # What clients invent has no bound, and the sums must have one.
    assert names == {"a", "(unknown)"}


async def test_what_clients_choose_is_kept_short_and_holds_nothing_up(history: SqlCallHistory) -> None:
    """Zeros, half characters and megabytes in names, aliases and reasons: one such row must not keep all others from being written."""
    for text in ("a\0b", "\ud800x", "é" * 3_000_000):
        odd = call(text, "invalid_select", account=text, reason=text, step=text, tool=text, subject=text[:300], client_id=text[:300])
        await history.append_calls([odd, call("after")])
    kept = [each.record for each in await history.calls(EVERYTHING, 9)]
    assert len(kept) == 6
    assert max(len(text) for each in kept for text in (each.operation, each.account, each.reason, each.step, each.tool)) <= 200


async def test_a_callers_mistakes_are_one_kind_however_they_are_worded(history: SqlCallHistory, history_database: Database) -> None:
    wrong = [call("a", "invalid_select", reason=f"no member {word}", error_class="caller") for word in ("x", "y", "zebra")]
    await history.append_calls(wrong)
    async with history_database.read() as connection:
        assert list((await connection.execute(select(error_ledger.c["count"]))).scalars()) == [3]


async def test_sums_go_when_their_time_is_over(history: SqlCallHistory, history_database: Database) -> None:
    """Hours and kinds of failures earlier than days."""
    await history.append_calls(
        [call("a", "timeout", DAY_US * 2), call("a", "timeout", DAY_US * 300, reason="late"), call(at_us=DAY_US * 500)]
    )
    await history.forget_sums_before(hours_us=DAY_US * 400, errors_us=DAY_US * 400, days_us=DAY_US * 200, decisions_us=0)
    async with history_database.read() as connection:
        assert [row.hour * HOUR_US // DAY_US for row in await connection.execute(select(call_hours))] == [500]
        assert (await connection.execute(select(error_ledger))).all() == []
        assert sorted(row.day for row in await connection.execute(select(call_days))) == [300, 500]
        assert sorted(row.day for row in await connection.execute(select(operation_days))) == [300, 500]


async def test_old_rows_go_and_their_sums_stay(history: SqlCallHistory, history_database: Database) -> None:
    await history.make_room()
    now = now_us()
    await history.append_calls([*(call(at_us=DAY_US + number) for number in range(5)), call("new", at_us=now)])
    assert await history.forget_before(now - DAY_US) == 5
    assert [each.record.operation for each in await history.calls(EVERYTHING, 9)] == ["new"]
    async with history_database.read() as connection:
        assert sum((await connection.execute(select(call_days.c.calls))).scalars()) == 6


async def test_days_are_partitions_in_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Made a week ahead, twice is once, dropped whole; what fits no day is kept all the same."""
    async with empty_history("postgresql", request, tmp_path) as database:
        history, today = SqlCallHistory(database), now_us() // DAY_US
        await history.make_room()
        await history.make_room()
        assert set(range(today, today + 8)) <= set(await database.look(days_of))
        await history.append_calls([call(at_us=(today + 2) * DAY_US), call(at_us=(today + 400) * DAY_US)])
        assert len(await history.calls(EVERYTHING, 9)) == 2
        assert await history.forget_before((today + 3) * DAY_US) >= 3
        assert [each.record.called_at_us // DAY_US for each in await history.calls(EVERYTHING, 9)] == [today + 400]
        await history.make_room()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_calls_of_before_are_taken_over_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In batches, and a batch that was written but not yet deleted is not written again."""

    def fill(connection: Connection) -> None:
        names = (
            "tenant",
            "tool",
            "operation",
            "auth_method",
            "duration_ms",
            "success",
            "error_code",
            "trace_id",
            "subject",
            "client",
            "time",
        )
        values = ("acme", "call_api", "op", "access_token", 1.5, True, None, "t", "ada", "client")
        rows = [dict(zip(names, (*values, DAY_US + number), strict=True)) for number in range(BATCH_ROWS + 5)]
        connection.execute(insert(call_records_before), rows)

    async with empty_database(url_of(kind, request, tmp_path)) as state, empty_history(kind, request, tmp_path) as history:
        await state.transact(fill)
        assert await move_old_calls(state, history) == BATCH_ROWS
        # As after a crash between the two transactions.
        await state.transact(partial(_again, count=3))
        while await move_old_calls(state, history):
            pass
        async with history.read() as connection:
            times = list((await connection.execute(select(call_records.c.time).order_by(call_records.c.time))).scalars())
        async with state.read() as connection:
            assert (await connection.execute(select(call_records_before))).all() == []
    assert times == [DAY_US + number for number in range(BATCH_ROWS + 5)]


def _again(connection: Connection, count: int) -> None:
    """Put rows back that were moved already."""
    connection.execute(insert(call_records_before), [{**OLD, "time": 1, "seq": number} for number in range(1, count + 1)])


def test_a_percentile_is_read_within_its_bucket() -> None:
    """At most half a bucket off, and nothing where there were no calls."""
    assert percentile_ms([0] * BUCKETS, 0.95) is None
    assert percentile_ms([100] + [0] * (BUCKETS - 1), 0.5) == 2.5
    assert percentile_ms([50, 50] + [0] * (BUCKETS - 2), 0.95) == 9.5
    assert percentile_ms([0] * (BUCKETS - 1) + [1], 0.5) == BUCKETS_MS[-1] * 2.5
