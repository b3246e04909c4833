"""The audit trail on both stores: in the transaction it tells of, in one chain, and whole or known not to be."""

from functools import partial

import anyio
import pytest
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError

from oauth.tenants import Tenant
from server.audited import Audited, acting, audited, unaudited
from server.storage.audit.reading import SqlAuditTrail
from server.storage.database import Database
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.schema.audit_tables import kv_audit
from server.storage.schema.platform_tables import store_facts


def note(connection: Connection, name: str = "a") -> str:
    connection.execute(insert(store_facts).values(name=name, value="1"))
    return name


def change(number: int) -> Audited:
    return Audited("command", f"tenant set {number}", "local:ops", "acme", "acme", {"--title": f"title {number}"}, "t" * 32)


async def changed(database: Database, *numbers: int) -> None:
    for number in numbers:
        with audited(change(number)):
            await database.transact(partial(note, name=f"fact {number}"))


async def test_a_change_and_its_row_are_one_transaction(sql_database: Database) -> None:
    """Both ways to write; the first change has the row, and a change that fails has none."""
    trail = SqlAuditTrail(sql_database)
    with audited(change(1)):
        async with sql_database.write() as connection:
            await connection.run_sync(note, "a")
        await sql_database.transact(lambda connection: note(connection, "b"))
    with pytest.raises(IntegrityError), audited(change(2)):
        await sql_database.transact(lambda connection: [note(connection, "c"), note(connection, "a")])
    with audited(change(3)) as what:
        acting("ada@example.com", "globex")
        assert await sql_database.transact(lambda connection: note(connection, "d")) == "d"
        assert what.is_recorded
    rows = list(reversed(await trail.rows()))
    assert [(row.seq, row.action, row.actor, row.tenant_id) for row in rows] == [
        (1, "tenant set 1", "local:ops", "acme"),
        (2, "tenant set 3", "ada@example.com", "globex"),
    ]
    assert (rows[0].surface, rows[0].target, rows[0].details, rows[0].trace_id) == ("command", "acme", '{"--title":"title 1"}', "t" * 32)
    assert [row.seq for row in await trail.rows(tenant_id="globex", with_predecessors=True)] == [2]
    assert [row.seq for row in await trail.rows(before_seq=2)] == [1]
    assert await trail.rows(since_us=rows[1].at_us + 1) == []


async def test_a_tenant_sees_nothing_of_another_that_had_its_name_before(sql_database: Database) -> None:
    """In no way of reading that names a tenant; an operator sees the rows of both."""
    trail = SqlAuditTrail(sql_database)
    await changed(sql_database, 1)
    with unaudited():
        await SqlTenantStore(sql_database).add(Tenant("acme", "Acme"))
    await changed(sql_database, 2)
    assert [row.seq for row in await trail.rows(tenant_id="acme")] == [2]
    assert [row.seq for row in await trail.of_trace("t" * 32, "acme")] == [2]
    assert [await trail.row(seq, "acme") is not None for seq in (1, 2)] == [False, True]
    assert [row.seq for row in await trail.rows(tenant_id="acme", with_predecessors=True)] == [2, 1]
    assert await trail.row(1) is not None


async def test_who_is_nobody_leaves_nothing_until_it_is_known_who_it_is(sql_database: Database) -> None:
    """Strangers must not fill what is kept for so long; the first change of somebody is on record all the same."""
    with audited(Audited("page", "POST /login")):
        await sql_database.transact(lambda connection: note(connection, "a"))
        acting("ada@example.com", "acme")
        await sql_database.transact(lambda connection: note(connection, "b"))
    assert [row.actor for row in await SqlAuditTrail(sql_database).rows()] == ["ada@example.com"]


async def test_upkeep_and_reading_leave_nothing(sql_database: Database) -> None:
    with audited(change(1)):
        with unaudited():
            await sql_database.transact(note)
        await sql_database.look(lambda _connection: None)
        async with sql_database.read():
            pass
    await sql_database.transact(lambda connection: note(connection, "b"))
    assert await SqlAuditTrail(sql_database).rows() == []


async def test_writers_side_by_side_make_one_chain(sql_database: Database) -> None:
    """Numbers without a hole, each row behind the one before it, from two processes' worth of connections."""
    other = Database(sql_database.url)
    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(changed, (sql_database, other)[number % 2], number)
    await other.close()
    found = await SqlAuditTrail(sql_database).verify()
    assert (found.rows, found.last_seq, found.broken) == (12, 12, None)


@pytest.mark.parametrize(
    ("spoil", "seq"),
    [
        (update(kv_audit).where(kv_audit.c.seq == 2).values(actor="somebody else"), 2),
        (update(kv_audit).where(kv_audit.c.seq == 3).values(details="{}"), 3),
        (update(kv_audit).where(kv_audit.c.seq == 4).values(hash="0" * 64), 4),
        (delete(kv_audit).where(kv_audit.c.seq == 3), 3),
        (delete(kv_audit).where(kv_audit.c.seq == 1), 1),
        (delete(kv_audit).where(kv_audit.c.seq == 5), 5),
    ],
    ids=["who", "what", "seal", "one gone", "first gone", "last gone"],
)
async def test_what_is_changed_afterwards_shows(sql_database: Database, spoil: object, seq: int) -> None:
    await changed(sql_database, *range(5))
    trail = SqlAuditTrail(sql_database)
    assert (await trail.verify()).broken is None
    await sql_database.transact(lambda connection: connection.execute(spoil) and None)  # type: ignore[call-overload]
    broken = (await trail.verify()).broken
    assert broken is not None
    assert broken.seq == seq


async def test_old_rows_go_and_the_rest_still_verifies(sql_database: Database) -> None:
    """The trail begins later then, and says from where."""
    trail = SqlAuditTrail(sql_database)
    await changed(sql_database, *range(6))
    await sql_database.transact(lambda connection: connection.execute(update(kv_audit).where(kv_audit.c.seq > 4).values(at=2**60)) and None)
    assert await trail.sweep(2**59) == 4
    assert await trail.sweep(2**59) == 0
    await changed(sql_database, 7)
    found = await trail.verify()
    # Those two were given another time, which shows like any other change.
    assert (found.swept_seq, found.broken and found.broken.seq) == (4, 5)
    assert [row.seq for row in await trail.rows()] == [7, 6, 5]


async def test_texts_of_strangers_stay_short_lines(sql_database: Database) -> None:
    """Zeros, line breaks, half a surrogate and a megabyte: PostgreSQL takes no zero, and a terminal no escape."""
    odd = "a\0b\nc\ud800\x1b[31m" + "x" * 1_000_000
    with audited(Audited("page", odd, odd, "acme", odd, {f"d{number}": odd for number in range(100)})):
        await sql_database.transact(note)
    [row] = await SqlAuditTrail(sql_database).rows()
    for text in (row.action, row.actor, row.target):
        assert text.isprintable()
        assert len(text) <= 200
    assert len(row.details) < 12_000
    assert (await SqlAuditTrail(sql_database).verify()).broken is None
