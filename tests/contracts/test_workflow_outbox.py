"""What accepts a run durably: on both databases."""

import pytest
from sqlalchemy import Connection, select

from server.storage.database import Database
from server.storage.schema.platform_tables import changes
from server.storage.schema.workflow_tables import workflow_outbox
from server.storage.workflows.outbox import QueuedRun, enqueue
from tools.workflows.stores import ActsFor

QUEUED = QueuedRun("acme", "nightly", "2026-11-28", {"day": 3}, "schedule", ActsFor("sub_1", frozenset({"mcp", "crm:read"})), 17)


async def waiting(database: Database) -> list[tuple[str, str, str]]:
    async with database.read() as connection:
        rows = await connection.execute(select(workflow_outbox))
        return [(row.tenant_id, row.key, row.given) for row in rows]


async def test_a_run_is_accepted_with_the_transaction_that_asks_for_it(sql_database: Database) -> None:
    """It waits whole, and the engine of any node hears of it."""
    assert await sql_database.transact(lambda connection: enqueue(connection, QUEUED)) == "acme:nightly:2026-11-28"
    async with sql_database.read() as connection:
        row = (await connection.execute(select(workflow_outbox))).one()
        news = (await connection.execute(select(changes.c.topic, changes.c.tenant_id, changes.c.item))).all()
    assert (row.tenant_id, row.workflow, row.key, row.given) == ("acme", "nightly", "2026-11-28", '{"day":3}')
    assert (row.acts_for, row.scopes, row.started_by, row.start_at) == ("sub_1", "crm:read mcp", "schedule", 17)
    assert news == [("workflows", "acme", "acme:nightly:2026-11-28")]


async def test_a_transaction_that_is_undone_starts_nothing(sql_database: Database) -> None:
    def broken(connection: Connection) -> None:
        enqueue(connection, QUEUED)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await sql_database.transact(broken)
    assert await waiting(sql_database) == []


async def test_the_same_key_is_the_same_run_within_a_tenant_alone(sql_database: Database) -> None:
    """The first of them counts; another tenant's key of the same name is another run."""
    again = QueuedRun("acme", "nightly", "2026-11-28", {"day": 4}, "manual")
    other = QueuedRun("globex", "nightly", "2026-11-28", {"day": 5}, "manual")
    for each in (QUEUED, again, other):
        await sql_database.transact(lambda connection, queued=each: enqueue(connection, queued))  # type: ignore[misc]
    assert sorted(await waiting(sql_database)) == [("acme", "2026-11-28", '{"day":3}'), ("globex", "2026-11-28", '{"day":5}')]
