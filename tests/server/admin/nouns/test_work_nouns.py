"""Jobs, webhooks, configuration and reports over `/admin/api`: what is shown, what may be done, and to whom."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import delete

from server.config_versions.changes import ConfigChanges
from server.storage.alerts.records import AlertState, Outcome
from server.storage.database import now_us
from server.storage.schema.config_tables import config_versions
from tests.contracts.workflows.test_delivery_stores import arrival, webhook
from tests.gateway import bring_openapi
from tests.server.admin.api.test_services import Machines
from tests.server.admin.call_records import call_record
from tests.server.admin.conftest import Administration
from tests.server.admin.machine_keys import new_key
from tests.server.admin.two_tenants import DOCUMENT, TENANTS
from tests.waiting import until
from tools.workflows.schedules.builtin import BUILTIN


async def items(admin: Administration, path: str, token: str) -> list[dict[str, Any]]:
    answer = await admin.api("GET", path, token)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_jobs_are_listed_page_by_page_over_all_tenants_or_one(admin: Administration) -> None:
    """Every tenant's built-in schedules, each once; a tenant's administrator sees their own."""

    async def are_there() -> bool:
        return len(await items(admin, "jobs?limit=200", admin.operator)) == 3 * len(BUILTIN)

    await until(are_there)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await admin.api("GET", f"jobs?limit=5&cursor={cursor}" if cursor else "jobs?limit=5", admin.operator)).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(f"{tenant}:{name}" for tenant in ("acme", "default", "globex") for name in BUILTIN)
    assert {row["tenant"] for row in await items(admin, "jobs", admin.acme)} == {"acme"}


async def test_a_job_is_started_paused_and_resumed_and_shows_what_it_found(admin: Administration) -> None:
    started = await admin.api("POST", "jobs/acme:error-pattern/run", admin.acme, {})
    assert (started.status_code, started.json()["item"]["run"].startswith("acme:error-pattern:")) == (200, True)

    async def has_ended() -> bool:
        return bool((await admin.api("GET", "jobs/acme:error-pattern", admin.acme)).json()["state"] == "succeeded")

    await until(has_ended)
    shown = (await admin.api("GET", "jobs/acme:error-pattern", admin.acme)).json()
    assert (shown["report"]["title"], shown["runs"][0]["cause"]) == ("Errors of the last hour", "manual")
    assert (await admin.api("POST", "jobs/acme:error-pattern/pause", admin.acme, {})).status_code == 200
    assert [row["id"] for row in await items(admin, "jobs?state=paused", admin.operator)] == ["acme:error-pattern"]
    resumed = (await admin.api("POST", "jobs/acme:error-pattern/resume", admin.acme, {})).json()["item"]
    assert resumed["next_at"] > datetime.now(UTC).isoformat()[:16]


async def test_jobs_of_the_default_tenant_are_the_gateways(admin: Administration) -> None:
    """What they report is of every tenant, so that a machine of the default tenant alone neither sees nor runs them."""
    machines, signing = Machines(admin), new_key()
    token = await machines.token(await machines.add(signing, tenant="default"), signing)
    await until(lambda: is_there(admin, "default:weekly-digest"))
    assert await items(admin, "jobs", token) == []
    for key in ("default:weekly-digest", "acme:weekly-digest"):
        assert (await admin.api("GET", f"jobs/{key}", token)).status_code == 404
        for change in ("run", "pause", "resume"):
            assert (await admin.api("POST", f"jobs/{key}/{change}", token, {})).status_code == 404
    assert (await admin.api("GET", "jobs?count=1", token)).json()["count"] == 0
    assert (await admin.api("POST", "jobs/default:weekly-digest/pause", admin.operator, {})).status_code == 200


async def is_there(admin: Administration, key: str) -> bool:
    return (await admin.api("GET", f"jobs/{key}", admin.operator)).status_code == 200


async def test_what_operators_changed_is_not_the_default_tenants_to_read(admin: Administration) -> None:
    """They are people of that tenant, and what they change is the gateway's; other tenants read what was changed in their name."""
    machines, signing = Machines(admin), new_key()
    token = await machines.token(await machines.add(signing, tenant="default"), signing)
    [row] = await items(admin, "audit?action=services add", admin.operator)
    assert row["tenant"] == "default"
    assert await items(admin, "audit", token) == []
    assert (await admin.api("GET", f"audit/{row['id']}", token)).status_code == 404
    await machines.add(new_key(), admin.acme, name="own")
    assert {each["tenant"] for each in await items(admin, "audit", admin.acme)} == {"acme"}


@pytest.mark.parametrize("key", ["globex:error-pattern", "acme:nothing", "acme", ":", "%00:x"])
async def test_a_job_of_others_and_one_that_is_not_there_look_alike(admin: Administration, key: str) -> None:
    assert (await admin.api("GET", f"jobs/{key}", admin.acme)).status_code == 404
    assert (await admin.api("POST", f"jobs/{key}/pause", admin.acme, {})).status_code == 404


async def test_what_came_is_listed_and_can_be_replayed(admin: Administration) -> None:
    """Each delivery once, newest first, by its tenant; replayed, it starts another run."""
    deliveries = admin.gateway.store.durable.deliveries
    first = (await deliveries.receive(arrival("ev-1", of=webhook("acme")))).delivery
    other = (await deliveries.receive(arrival("ev-1", of=webhook("globex")))).delivery
    [row] = await items(admin, "webhooks", admin.acme)
    assert (row["id"], row["kind"], row["replays"]) == (f"acme:{first.delivery_id}", "paid", 0)
    assert len(await items(admin, "webhooks?limit=1", admin.operator)) == 1
    replayed = await admin.api("POST", f"webhooks/{row['id']}/replay", admin.acme, {})
    assert (replayed.status_code, replayed.json()["item"]["run"] != row["run"]) == (200, True), replayed.text
    assert (await admin.api("GET", f"webhooks/{row['id']}", admin.acme)).json()["replays"] == 1
    assert (await admin.api("POST", f"webhooks/globex:{other.delivery_id}/replay", admin.acme, {})).status_code == 404


async def test_versions_of_the_configuration_say_what_each_changed_and_one_is_put_back(admin: Administration) -> None:
    store, connections = admin.gateway.store, admin.gateway.connections
    changes = ConfigChanges(store.config_versions, connections.has_named_secret)
    await changes.apply({"retention": {"calls_days": 10}}, "ada")
    await changes.apply({"retention": {"calls_days": 20}}, "grace")
    rows = await items(admin, "config", admin.operator)
    assert [(row["id"], row["state"], row["by"], row["changed"]) for row in rows] == [(2, "active", "grace", 1), (1, "replaced", "ada", 1)]
    shown = (await admin.api("GET", "config/2", admin.operator)).json()
    assert (shown["document"], "20" in shown["differences"]) == ({"retention": {"calls_days": 20}}, True)
    back = await admin.api("POST", "config/1/roll-back", admin.operator, {})
    assert (back.status_code, back.json()["item"]) == (200, {"version": 3, "same_as": 1}), back.text
    assert (await admin.gateway.store.config_versions.newest()).by == "ops@example.com"
    assert (await admin.api("POST", "config/99/roll-back", admin.operator, {})).status_code == 404
    assert (await admin.api("GET", "config", admin.acme)).status_code == 403


async def test_what_the_oldest_version_changed_is_not_known(admin: Administration) -> None:
    """The one before it is kept no longer, as if a hundred had come since."""
    changes = ConfigChanges(admin.gateway.store.config_versions, admin.gateway.connections.has_named_secret)
    for days in (10, 20, 30):
        await changes.apply({"retention": {"calls_days": days}}, "ada")
    async with admin.gateway.store.database.write() as connection:
        await connection.execute(delete(config_versions).where(config_versions.c.version == 1))
    rows = await items(admin, "config", admin.operator)
    assert [(row["id"], row["changed"]) for row in rows] == [(3, 1), (2, None)]
    assert (await admin.api("GET", "config/2", admin.operator)).json()["differences"] is None


async def test_share_links_are_listed_page_by_page(admin: Administration) -> None:
    change = next(each for each in admin.gateway.administration.nouns if each.name == "share-links").change("add")
    assert change is not None
    body = {each.name: each.choices[0] if each.choices else True for each in change.fields if each.choices or each.is_flag}
    for title in "abc":
        made = await admin.api("POST", "share-links", admin.acme, body | {"title": title})
        assert made.status_code == 201, made.text
    first = (await admin.api("GET", "share-links?limit=2", admin.acme)).json()
    second = (await admin.api("GET", f"share-links?limit=2&cursor={first['next_cursor']}", admin.acme)).json()
    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert {row["title"] for page in (first, second) for row in page["items"]} == {"a", "b", "c"}
    assert second["next_cursor"] is None


async def test_a_report_is_of_what_its_reader_reaches(admin: Administration) -> None:
    ours, theirs = call_record(operation="crm.list", tenant_id="acme"), call_record(operation="secret.list", tenant_id="globex")
    await admin.gateway.store.calls.append_calls([ours, theirs])
    assert "digest" in {row["id"] for row in await items(admin, "reports", admin.acme)}
    everything, own = [(await admin.api("GET", "reports/digest", token)).json() for token in (admin.operator, admin.acme)]
    assert [each["counts"]["calls"] for each in (everything, own)] == [2, 1]
    assert "secret" not in str(own)
    assert (await admin.api("GET", "reports/digest:2020-01-01", admin.acme)).json()["counts"]["calls"] == 0
    for nothing in ("gossip", "digest:soon", "digest:9999-12-31"):
        assert (await admin.api("GET", f"reports/{nothing}", admin.acme)).status_code == 404


async def test_of_the_gateway_every_tenants_imports_may_be_unused(admin: Administration, tmp_path: Path) -> None:
    """Of a tenant what it sees; one operation of each tenant, and the default tenant sees none."""
    (tmp_path / "crm.json").write_bytes(orjson.dumps(DOCUMENT))
    for tenant in TENANTS:
        await bring_openapi(admin.gateway, tmp_path / "crm.json", f"{tenant}-crm", tenant)
    everything, own = [(await admin.api("GET", "reports/unused", token)).json() for token in (admin.operator, admin.acme)]
    assert [each["counts"]["operations"] for each in (everything, own)] == [2, 1]
    assert [each["about"] for each in everything["findings"]] == ["acme-crm", "globex-crm"]


async def test_uses_are_counted_until_the_end_that_is_asked_for(admin: Administration) -> None:
    await admin.gateway.store.calls.append_calls([call_record(ago_s=3 * 86_400), call_record(ago_s=6 * 86_400)])
    now = datetime.now(UTC)
    days = [(now - timedelta(days=ago)).date().isoformat() for ago in (9, 4)]
    [row] = await items(admin, f"usage?from={days[0]}&to={days[1]}", admin.acme)
    assert row["calls"] == 1


async def test_decisions_say_whom_they_were_about_and_why(admin: Administration) -> None:
    refused = call_record(code="needs_connection", error_class="setup", reason="no connection to crm")
    await admin.gateway.store.calls.append_calls([refused, refused, call_record(tenant_id="globex", code="busy", error_class="setup")])
    [row] = await items(admin, "decisions", admin.acme)
    assert (row["decision"], row["reason"], row["count"], row["person"]) == ("needs_connection", "no connection to crm", 2, "ada")
    assert (await admin.api("GET", f"decisions/{row['id']}", admin.acme)).json()["first_at"] == row["last_at"]
    [other] = await items(admin, "decisions?tenant=globex", admin.operator)
    assert (await admin.api("GET", f"decisions/{other['id']}", admin.acme)).status_code == 404


async def test_alerts_say_what_holds_and_why_nobody_was_told_and_can_be_silenced(admin: Administration) -> None:
    """A firing alert with no sink; then it is silenced by its page, and the silence ended."""
    began = now_us() - 600_000_000
    alert = AlertState("disk", {"node": "a"}, "firing", "5 % of the disk is free", began, began, fired_at_us=began)
    states = admin.gateway.store.alerts.states
    assert await states.take("test", now_us(), now_us() + 60_000_000) is not None
    assert await states.keep("test", now_us(), Outcome([alert]))
    [row] = await items(admin, "alerts", admin.operator)
    assert (row["rule"], row["state"], row["summary"]) == ("disk", "firing", "5 % of the disk is free")
    key = quote(row["id"], safe="")
    silenced = await admin.api("POST", f"alerts/{key}/silence", admin.operator, {"for": "2h", "why": "a new disk comes"})
    assert silenced.status_code == 200, silenced.text
    [silence] = await items(admin, "silences", admin.operator)
    assert (silence["matches"], silence["by"], silence["why"]) == ("rule=disk node=a", "ops@example.com", "a new disk comes")
    assert "silence" in (await admin.api("GET", f"alerts/{key}", admin.operator)).json()["why_untold"]
    assert (await admin.api("DELETE", f"silences/{silence['id']}", admin.operator, {})).status_code == 200
    assert (await admin.api("DELETE", f"silences/{silence['id']}", admin.operator, {})).status_code == 404
    untested = await admin.api("POST", "alerts/test", admin.operator, {})
    assert (untested.status_code, untested.json()["error"]["code"]) == (409, "no_sinks")
    assert (await admin.api("GET", "alerts", admin.acme)).status_code == 403
