"""Tenant removal, on both stores: of every table that has a tenant, the rows of one go and those of the others stay."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, func, insert, select

from oauth.tenants import Tenant
from server.admin.nouns.tenant_changes import add_tenant
from server.admin.refusals import AdminRefused
from server.audited import Audited, audited
from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.audit.reading import SqlAuditTrail
from server.storage.database import Database, now_us
from server.storage.history.tables import call_records, history_metadata
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.row_removal import remove_rows
from server.storage.schema.ai_gateway_tables import model_calls
from server.storage.schema.all_tables import STATE
from server.storage.tenant_removal.owned_tables import KEPT, tenant_column
from server.storage.tenant_removal.removal import LONGEST_CALL_US, TenantRemoval, free_from_us

GONE, STAYS = "acme", "globex"
#: tables without a tenant, and why nothing of one is in them; whoever adds a table says it here, or gives it a tenant
OF_NOBODY = {
    "ai_configs": "versions of one document of the operator's; the newest does not name the tenant",
    "ai_experiment_holds": "experiments are the operator's",
    "ai_rollout_steps": "experiments are the operator's",
    "alert_groups": "rules are the operator's",
    "alert_nodes": "nodes",
    "alert_outbox": "messages to the operator, forgotten after days",
    "alert_states": "what holds now; it is resolved, and forgotten after days",
    "alert_watch": "the lease of who looks",
    "audit_ends": "both ends of the trail",
    "config_versions": "the operator's",
    "passkey_challenges": "minutes",
    "pushed_requests": "a minute",
    "silences": "the operator's",
    "leases": "who does what for all",
    "store_facts": "the store's own",
    "used_assertions": "minutes",
    "workflow_executors": "nodes that run workflows",
    "event_lines": "lines of the gateway, kept for days",
    "history_facts": "the store's own",
    "sink_cursors": "sinks are the operator's",
}


@pytest.fixture
async def removal(sql_database: Database, history_database: Database) -> TenantRemoval:
    for database, metadata in ((sql_database, STATE), (history_database, history_metadata)):
        async with database.write() as connection:
            for number, name in enumerate((GONE, STAYS)):
                for table in metadata.sorted_tables:
                    if table.name not in KEPT and tenant_column(table) is not None:
                        await connection.execute(insert(table).values(row_of(table, name, number + 1)))
    for name in (GONE, STAYS):
        await SqlTenantStore(sql_database).add(Tenant(name, name))
    return TenantRemoval(sql_database, history_database)


async def marked_long_ago(removal: TenantRemoval, sql_database: Database, history_database: Database) -> None:
    """Mark the tenant so long ago that no call of before goes on."""
    before = TenantRemoval(sql_database, history_database, now_us=lambda: now_us() - LONGEST_CALL_US)
    assert await before.begin(Tenant(GONE, GONE))


async def add_late_row(database: Database, number: int = 9) -> None:
    """Write what a call that was under way leaves at its end."""
    async with database.write() as connection:
        await connection.execute(insert(model_calls).values(row_of(model_calls, GONE, number)))


def row_of(table: Table, tenant: str, number: int) -> Mapping[str, Any]:
    """Return a row of a tenant with every column that must have something."""
    owner = tenant_column(table)
    return {
        column.name: tenant if column is owner else value_of(column, number)
        for column in table.columns
        if column is owner or column.primary_key or not column.nullable
    }


def value_of(column: Column[Any], number: int) -> Any:
    match column.type:
        case Boolean():
            return False
        case Integer() | Float():
            return number
        case LargeBinary():
            return bytes([number])
    return f"{number}"


async def rows_of(database: Database, metadata: MetaData, tenant: str) -> dict[str, int]:
    async with database.read() as connection:
        counts = {}
        for table in metadata.sorted_tables:
            if table.name not in KEPT and (owner := tenant_column(table)) is not None:
                counts[table.name] = (await connection.execute(select(func.count()).where(owner == tenant))).scalar_one()
        return counts


def test_every_table_says_whose_its_rows_are_or_why_they_are_nobodys() -> None:
    tables = {**STATE.tables, **history_metadata.tables}
    assert {name for name, table in tables.items() if tenant_column(table) is None} == set(OF_NOBODY)


async def test_nothing_of_a_tenant_is_left_in_any_table_and_everything_of_the_others(
    removal: TenantRemoval, sql_database: Database, history_database: Database
) -> None:
    before = await removal.counts(STAYS)
    assert await removal.counts(GONE) == before
    assert set(before) == set(await rows_of(sql_database, STATE, GONE)) | set(await rows_of(history_database, history_metadata, GONE))
    await marked_long_ago(removal, sql_database, history_database)
    assert dict(await removal.finish(GONE)) == dict(before)
    for database, metadata in ((sql_database, STATE), (history_database, history_metadata)):
        assert set((await rows_of(database, metadata, GONE)).values()) == {0}
        assert set((await rows_of(database, metadata, STAYS)).values()) == {1}
    assert [each.tenant_id for each in await SqlTenantStore(sql_database).all()] == [STAYS]


async def test_counting_removes_nothing(removal: TenantRemoval) -> None:
    assert await removal.counts(GONE) == await removal.counts(GONE)
    assert await removal.leaving() == []
    assert await removal.counts("nobody") == {}


async def test_a_removal_that_ended_in_the_middle_is_gone_on_with(
    removal: TenantRemoval, sql_database: Database, history_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9: the mark and some of the tables are there; whoever comes next, another process, does the rest."""
    await marked_long_ago(removal, sql_database, history_database)
    left = 20

    async def killed(*arguments: Any, **more: Any) -> int:
        nonlocal left
        left -= 1
        if not left:
            raise ConnectionAbortedError
        return await remove_rows(*arguments, **more)

    monkeypatch.setattr("server.storage.tenant_removal.removal.remove_rows", killed)
    with pytest.raises(ConnectionAbortedError):
        await removal.finish(GONE)
    monkeypatch.undo()
    after = TenantRemoval(sql_database, history_database)
    assert await after.leaving() == [GONE]
    assert 0 < len(await after.counts(GONE)) < len(await after.counts(STAYS))
    await after.finish(GONE)
    assert await after.counts(GONE) == {}
    assert await after.leaving() == []


async def test_the_name_stays_taken_while_calls_of_before_may_end_and_what_they_leave_goes_too(
    removal: TenantRemoval, sql_database: Database, history_database: Database
) -> None:
    tenants = SqlTenantStore(sql_database)
    assert await removal.begin(Tenant(GONE, GONE))
    await removal.finish(GONE)
    assert await removal.leaving() == [GONE]
    with pytest.raises(AdminRefused, match="is being removed") as refused:
        await add_tenant(tenants, removal, GONE, "")
    assert (refused.value.status, refused.value.code) == (409, "leaving")
    assert "the name is free from 20" in refused.value.hint
    await add_late_row(sql_database)
    later = TenantRemoval(sql_database, history_database, now_us=lambda: now_us() + LONGEST_CALL_US + 1)
    assert dict(await later.finish(GONE)) == {"model_calls": 1}
    assert await later.leaving() == []


async def test_the_name_stays_taken_for_as_long_as_the_configuration_lets_streams_go_on(
    sql_database: Database, history_database: Database
) -> None:
    await SqlTenantStore(sql_database).add(Tenant(GONE, GONE))
    await SqlAiConfigs(sql_database).put({"defaults": {"total_s": 3_600}}, "")
    before_us = now_us()
    await TenantRemoval(sql_database, history_database).begin(Tenant(GONE, GONE))
    [leaving] = [each for each in await SqlTenantStore(sql_database).all() if each.leaving]
    assert free_from_us(leaving) > before_us + 3_600_000_000


async def test_a_tenant_stays_marked_as_long_as_every_look_finds_something(
    removal: TenantRemoval, sql_database: Database, history_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await marked_long_ago(removal, sql_database, history_database)

    async def written_again(database: Database, table: Table, *is_old: Any, **more: Any) -> int:
        rows = await remove_rows(database, table, *is_old, **more)
        if table is model_calls:
            await add_late_row(sql_database)
        return rows

    monkeypatch.setattr("server.storage.tenant_removal.removal.remove_rows", written_again)
    await removal.finish(GONE)
    monkeypatch.undo()
    assert await removal.leaving() == [GONE]
    await removal.finish(GONE)
    assert (await removal.leaving(), await removal.counts(GONE)) == ([], {})


async def test_who_gets_a_name_later_finds_nothing_that_came_after_its_removal(
    removal: TenantRemoval, sql_database: Database, history_database: Database
) -> None:
    tenants = SqlTenantStore(sql_database)
    await marked_long_ago(removal, sql_database, history_database)
    await removal.finish(GONE)
    await add_late_row(sql_database)
    added = await add_tenant(tenants, removal, GONE, "")
    assert added.created_at_us > 0
    assert await removal.counts(GONE) == {}


async def test_a_removal_that_is_still_under_way_takes_nothing_of_a_successor(
    removal: TenantRemoval, sql_database: Database, history_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two nodes one is slow: the other has removed the tenant by now, and somebody has added the next."""
    await marked_long_ago(removal, sql_database, history_database)
    has_begun = False

    async def overtaken(*arguments: Any, **more: Any) -> int:
        nonlocal has_begun
        if not has_begun:
            has_begun = True
            await TenantRemoval(sql_database, history_database).finish(GONE)
            await add_tenant(SqlTenantStore(sql_database), removal, GONE, "")
            for database, table in ((sql_database, model_calls), (history_database, call_records)):
                async with database.write() as connection:
                    await connection.execute(insert(table).values(row_of(table, GONE, 9)))
        return await remove_rows(*arguments, **more)

    monkeypatch.setattr("server.storage.tenant_removal.removal.remove_rows", overtaken)
    await removal.finish(GONE)
    monkeypatch.undo()
    assert dict(await removal.counts(GONE)) == {"model_calls": 1, "call_records": 1}
    assert await removal.leaving() == []


async def test_who_removed_a_tenant_stays_on_record(removal: TenantRemoval, sql_database: Database) -> None:
    with audited(Audited("command", "tenant remove", "local:ada", GONE)):
        await removal.begin(Tenant(GONE, GONE))
        await removal.finish(GONE)
    assert [row.action for row in await SqlAuditTrail(sql_database).rows()] == ["tenant remove"]


async def test_of_two_who_change_a_tenant_at_once_one_is_told(removal: TenantRemoval) -> None:
    assert not await removal.begin(replace(Tenant(GONE, "as it was"), suspended=True))
    assert await removal.leaving() == []
