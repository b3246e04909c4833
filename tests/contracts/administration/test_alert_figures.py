"""What rules ask of each store."""

from datetime import date

import pytest

from oauth.audit import SecurityEvent
from oauth.tenants import Tenant
from oauth.tokens.static_tokens import StaticToken
from server.alerts.rule import HOUR_US, MINUTE_US
from server.audited import Audited, audited
from server.storage.alerts.figures import AlertFigures
from server.storage.database import Database, now_us
from server.storage.history.calls import SqlCallHistory
from server.storage.oauth.security_events import SqlAuditLog
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from tests.contracts.test_tool_stores import ACMES
from tests.tools.stand_ins import operation
from tools.catalog.quarantine import HeldTool
from tools.stores import CallRecord


@pytest.fixture
def figures(sql_database: Database, history_database: Database) -> AlertFigures:
    return AlertFigures(sql_database, history_database)


def call(at_us: int, error_class: str = "") -> CallRecord:
    # A code has one class (tools/dispatch/failure_classes.py).
    code = f"code_{error_class}" if error_class else None
    return CallRecord(
        tenant_id="acme",
        tool="call_api",
        operation="crm.get",
        auth_method="access_token",
        duration_ms=5.0,
        success=not error_class,
        error_code=code,
        trace_id="",
        subject="ada",
        client_id="client",
        called_at_us=at_us,
        error_class=error_class,
    )


async def test_calls_are_summed_up_by_hour_with_the_failures_of_the_service(history_database: Database) -> None:
    """Whoever asks wrongly, or has no connection yet, has met no failure of ours."""
    now = now_us() // HOUR_US * HOUR_US
    records = [call(now - HOUR_US), call(now), call(now, "ours"), call(now, "upstream"), call(now, "caller"), call(now, "setup")]
    await SqlCallHistory(history_database).append_calls([*records, call(now - 2 * HOUR_US)])
    found = await AlertFigures(history_database, history_database).calls_by_hour(now // HOUR_US - 1)
    assert found == {now // HOUR_US - 1: (1, 0), now // HOUR_US: (5, 2)}


async def test_failed_sign_ins_are_counted_by_tenant(sql_database: Database) -> None:
    log, now = SqlAuditLog(sql_database), now_us()
    for tenant_id, action, age_s in (
        ("acme", "sign_in_failed", 1),
        ("acme", "sign_in_failed", 2),
        ("acme", "sign_in", 1),
        ("", "sign_in_failed", 1),
    ):
        await log.record(SecurityEvent(action, now / 1e6 - age_s, tenant_id))  # type: ignore[arg-type]
    await log.record(SecurityEvent("sign_in_failed", now / 1e6 - 3_600, "acme"))
    found = await AlertFigures(sql_database, sql_database).failed_sign_ins(now - 15 * MINUTE_US)
    assert {each.tenant_id: each.count for each in found} == {"acme": 2, "": 1}


async def test_changes_of_roles_are_found_in_the_audit_trail(sql_database: Database) -> None:
    since_us = now_us()
    for what in (
        Audited("command", "admin role", "local:ada", target="bob@example.com operator"),
        Audited("command", "user add", "local:ada", "acme", "eve@example.com", {"--admin": "yes"}),
        Audited("command", "user add", "local:ada", "acme", "joe@example.com"),
        Audited("page", "people role", "ada", "acme", "people/sub_1"),
        Audited("api", "services add", "ada", "acme", "services"),
        Audited("command", "vault put", "local:ada"),
    ):
        with audited(what):
            await sql_database.transact(lambda _connection: None)
    found = await AlertFigures(sql_database, sql_database).role_changes(since_us)
    assert sorted((each.action, each.target) for each in found) == [
        ("admin role", "bob@example.com operator"),
        ("people role", "people/sub_1"),
        ("services add", "services"),
        ("user add", "eve@example.com"),
    ]
    assert await AlertFigures(sql_database, sql_database).role_changes(now_us() + 1) == []


async def test_a_tool_that_is_held_has_waited_since_it_came_first(sql_database: Database) -> None:
    """Its source is looked at each day, and every look finds it again."""
    operations, held_tools = SqlOperationStore(sql_database), SqlQuarantineStore(sql_database)
    await operations.replace(ACMES, [operation("crm.a.get", tenant_id="acme")])
    old = HeldTool("acme", "crm", "a", "crm.a.get", "changed")
    await held_tools.hold("acme", "crm", [old])
    seen_us = now_us()
    await held_tools.hold("acme", "crm", [old, HeldTool("acme", "crm", "b", "crm.b.get", "new")])
    (found,) = await AlertFigures(sql_database, sql_database).held_before(seen_us)
    assert (found.tenant_id, found.about, found.count) == ("acme", "crm", 1)


async def test_static_tokens_are_counted_by_tenant_where_they_end_soon(sql_database: Database) -> None:
    """However many tenants have some that end at another time, or not at all."""
    tokens, tenants = SqlStaticTokenStore(sql_database), SqlTenantStore(sql_database)
    ends = {f"a{number:02}": ("2031-01-01", None)[number % 2] for number in range(60)} | {"later": "2030-05-02", "soon": "2030-05-01"}
    for place, (tenant_id, until) in enumerate({**ends, "gone": "2030-04-01"}.items()):
        await tenants.add(Tenant(tenant_id, tenant_id, static_tokens_until=until))
        for number in range(2):
            token_hash, token_id = bytes([place, number]) * 16, f"st_{place}_{number}"
            await tokens.add(StaticToken(token_hash, token_id, tenant_id, "ada", "ci", frozenset({"mcp"}), 1.0))
    found = await AlertFigures(sql_database, sql_database).static_tokens(date(2030, 4, 20), date(2030, 5, 10))
    assert [(each.tenant_id, each.about, each.count) for each in found] == [("soon", "2030-05-01", 2), ("later", "2030-05-02", 2)]
