"""Log sinks over `/admin/api`: those that are configured, those that were, how far each is, and no secret of any."""

from typing import Any

from server.config_versions.changes import ConfigChanges
from server.storage.database import now_us
from tests.server.admin.conftest import Administration
from tests.waiting import until

URL = "https://logs.example/of/a/customer"
SINK = {"name": "archive", "kind": "http", "url": URL, "streams": ["calls", "audit"]}


async def items(admin: Administration) -> list[dict[str, Any]]:
    answer = await admin.api("GET", "sinks", admin.operator)
    assert answer.status_code == 200, answer.text
    assert "of/a/customer" not in answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_sink_is_shown_with_its_lag_its_last_error_and_what_it_lost(admin: Administration) -> None:
    assert await items(admin) == []
    cursors = admin.gateway.store.sink_cursors
    await cursors.begin("gone", "calls", 0)
    cursor = await cursors.take("gone", "calls", "test", 60_000_000)
    assert cursor is not None
    await cursors.stands(cursor, now_us() - 90_000_000)
    await cursors.skipped(cursor, 0, 7)
    await cursors.failed(cursor, "answered 503", now_us() + 60_000_000)
    [row] = await items(admin)
    assert (row["id"], row["state"], row["error"], row["lost_rows"], row["lag_ms"]) == ("gone:calls", "removed", "answered 503", 7, None)
    one = (await admin.api("GET", "sinks/gone:calls", admin.operator)).json()
    assert one["failures"] == 1
    assert (await admin.api("GET", "sinks/gone:audit", admin.operator)).status_code == 404


async def test_a_sink_that_is_configured_is_there_before_anything_was_sent(admin: Administration) -> None:
    changes = ConfigChanges(admin.gateway.store.config_versions, admin.gateway.connections.has_named_secret)
    await changes.apply({"sinks": {"logs": [SINK]}}, "ada")

    async def are_there() -> bool:
        return [row["id"] for row in await items(admin)] == ["archive:audit", "archive:calls"]

    await until(are_there)
    one = await admin.api("GET", "sinks/archive:calls", admin.operator)
    assert (one.json()["kind"], one.json()["where"]) == ("http", "https://logs.example")
    assert "of/a/customer" not in one.text


async def test_a_tenants_administrator_sees_no_sink(admin: Administration) -> None:
    assert (await admin.api("GET", "sinks", admin.acme)).status_code == 403
