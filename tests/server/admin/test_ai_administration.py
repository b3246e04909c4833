"""`/admin/api/ai/…`: who gets in, whose things they see, and what every change leaves."""

import time
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.asked import ADMINISTRATOR
from server.admin.lists.moment import moment_text
from server.admin.reading import MAX_READ_S
from server.admin.refusals import AdminRefused
from server.assembly.administration.api import ai_administration
from server.storage.read_limit import deadline
from tests.contracts.ai_gateway.model_calls import call
from tests.gateway import add_person
from tests.server.admin.conftest import Administration
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.ai_gateway.stores import ClosedCall

NOW_US = time.time_ns() // 1_000
DAY_US = 86_400_000_000
DOCUMENT: dict[str, Any] = {
    "routes": {"chat": {"targets": ["openai/gpt-5.2"]}},
    "gateways": {"agents": {"tenant": "acme"}, "bots": {"tenant": "globex", "requests_per_min": 5}},
    "budgets": [{"name": "all", "window": "total", "usd": 9}, {"name": "each", "tenant": "*", "window": "total", "usd": 5}],
    "experiments": [{"name": "cf", "route": "chat", "arms": {"b": "bulk"}, "share": {"b": 0.1}}],
}
EVERYTHING = ("config", "gateways", "gateways/default", "gateways/default/logs", "usage", "budgets", "experiments", "targets", "nothing")


async def test_no_other_credential_opens_the_administration(admin: Administration) -> None:
    """Nobody, garbage, a caller's key, an MCP token, one for models, and another's resource: a challenge, whatever the address."""
    gateway = admin.gateway
    caller, _ = await CallerKeyIssuer(gateway.store.caller_keys, gateway.store.security_events).mint("acme", "bot")
    subject = (await gateway.store.subjects.of_tenant("acme"))[0].subject_id
    others = [await admin.token("acme", subject, kind, frozenset({"mcp", "llm:write", "admin"})) for kind in ("mcp", "models")]
    for token in ("", "garbage", "asc_at_" + "0" * 43, caller, *others):
        for path in EVERYTHING:
            answer = await admin.ask("GET", path, token)
            assert answer.status_code == 401, (token[:10], path)
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert answer.json()["error"]["code"] == "unauthenticated"
            assert len(answer.json()["trace_id"]) == 32


async def test_who_is_no_administrator_any_more_is_out_at_once(admin: Administration) -> None:
    subject, token = await admin.administrator("acme", "grace@acme.test")
    assert (await admin.ask("GET", "usage", token)).status_code == 200
    await admin.appoint("acme", subject, None)
    refused = await admin.ask("GET", "usage", token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert "insufficient_scope" in refused.headers["www-authenticate"]
    await admin.appoint("acme", subject)
    await admin.change("acme", subject, disabled=True)
    assert (await admin.ask("GET", "usage", token)).status_code == 401
    mere = await add_person(admin.gateway, "mere@acme.test", "acme")
    assert (await admin.ask("GET", "usage", await admin.token("acme", mere))).status_code == 403


async def test_a_configuration_replaces_the_one_that_its_writer_has_seen(admin: Administration) -> None:
    """Without a version, with an old one, with a fault: nothing changes; with the right one it is in force at once."""
    seen = await admin.ask("GET", "config", admin.operator)
    assert (seen.headers["etag"], seen.json()["version"]) == ('"0"', 0)
    assert (await admin.ask("PUT", "config", admin.operator, DOCUMENT)).status_code == 428
    put = await admin.ask("PUT", "config", admin.operator, DOCUMENT, if_match=seen.headers["etag"])
    assert (put.status_code, put.json()["version"], put.json()["applied_by"]) == (200, 1, "ops@example.com")
    assert "chat" in admin.gateway.ai_gateway.config.current.routes
    old = await admin.ask("PUT", "config", admin.operator, {}, if_match='"0"')
    assert (old.status_code, old.json()["error"]["code"]) == (412, "version_conflict")
    wrong = {"routes": {"a": {"targets": ["b"]}}, "providers": {"x": {"key": "sk-123456789"}}}
    refused = await admin.ask("PUT", "config", admin.operator, wrong, if_match="1")
    assert refused.status_code == 422
    assert {"routes.a.targets[0]", "providers.x.key"} <= {fault["place"] for fault in refused.json()["error"]["faults"]}
    assert "sk-123456789" not in refused.text
    # What GET gives can be put again, and a file, too.
    assert (await admin.ask("PUT", "config", admin.operator, put.json(), if_match="*")).json()["version"] == 1
    headers = {"authorization": f"Bearer {admin.operator}", "if-match": '"1"', "content-type": "application/toml"}
    file = await admin.http.put("/admin/api/ai/config", content=b"[gateways.agents]\ntenant = 'acme'\n", headers=headers)
    assert (file.status_code, file.json()["config"]) == (200, {"gateways": {"agents": {"tenant": "acme"}}})


async def test_bodies_that_are_none_are_refused(admin: Administration) -> None:
    headers = {"authorization": f"Bearer {admin.operator}", "if-match": "*"}
    for body in (b"{", b"[]", b"\xff", b""):
        answer = await admin.http.put("/admin/api/ai/config", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), body
    assert (await admin.http.put("/admin/api/ai/config", content=b"x" * (5 << 20), headers=headers)).status_code == 413


async def test_gateways_are_made_and_ended_and_each_change_is_on_record(admin: Administration) -> None:
    made = await admin.ask("POST", "gateways", admin.acme, {"id": "agents", "requests_per_min": 2})
    assert (made.status_code, made.json()) == (201, {"id": "agents", "tenant": "acme", "requests_per_min": 2})
    assert (await admin.ask("POST", "gateways", admin.operator, {"id": "agents", "tenant": "acme"})).status_code == 409
    assert [each["id"] for each in (await admin.read("gateways", admin.acme))["items"]] == ["default", "agents"]
    assert (await admin.ask("DELETE", "gateways/agents", admin.acme)).status_code == 204
    assert (await admin.ask("DELETE", "gateways/agents", admin.acme)).status_code == 404
    assert (await admin.ask("DELETE", "gateways/default", admin.operator)).status_code == 403
    events = [
        (each.action, dict(each.facts)) for each in await admin.gateway.store.security_events.recent("acme") if "gateway" in each.action
    ]
    by = "ada@acme.test"
    assert events == [
        ("ai_gateway_removed", {"version": "2", "by": by, "about": "agents"}),
        ("ai_gateway_created", {"version": "1", "by": by, "about": "agents"}),
    ]


async def test_an_administrator_sees_and_changes_their_own_tenant_only(admin: Administration) -> None:
    await admin.ask("PUT", "config", admin.operator, DOCUMENT, if_match="*")
    other = {"tenant_id": "globex", "at_us": NOW_US}
    rows = [call(gateway="agents", at_us=NOW_US), call(gateway="bots", **other), call(gateway="", user="zoe@globex.test", **other)]
    await admin.gateway.store.model_calls.append([ClosedCall(row) for row in rows])
    assert [each["id"] for each in (await admin.read("gateways", admin.acme))["items"]] == ["default", "agents"]
    for method, path, body in (
        ("GET", "config", None),
        ("PUT", "config", {}),
        ("GET", "targets", None),
        ("GET", "experiments", None),
        ("GET", "usage?tenant=globex", None),
        ("POST", "gateways", {"id": "theirs", "tenant": "globex"}),
    ):
        assert (await admin.ask(method, path, admin.acme, body, if_match="*")).status_code == 403, path
    assert (await admin.ask("GET", "gateways/bots", admin.acme)).status_code == 404
    assert (await admin.ask("DELETE", "gateways/bots", admin.acme)).status_code == 404
    assert (await admin.ask("GET", "gateways/bots/logs", admin.acme)).status_code == 404
    assert (await admin.read("gateways/default/logs", admin.acme))["items"] == []
    assert [row["id"] for row in (await admin.read("gateways/agents/logs", admin.acme))["logs"]] == [rows[0].id]
    assert [row["id"] for row in (await admin.read("gateways/default/logs", admin.operator))["items"]] == [rows[2].id]
    usage = await admin.read("usage?by=user", admin.acme)
    assert [(row["user"], row["calls"]) for row in usage["items"]] == [("ada@acme.test", 1)]
    assert len((await admin.read("usage?by=user", admin.operator))["items"]) == 2
    assert [(row["name"], row["tenant"]) for row in (await admin.read("budgets", admin.acme))["items"]] == [("each", "acme")]
    assert {row["name"] for row in (await admin.read("budgets", admin.operator))["items"]} == {"all", "each"}


async def test_logs_come_by_the_page(admin: Administration) -> None:
    """Each row once, the newest first, also where several ended in the same microsecond."""
    rows = [call(gateway="", at_us=1_000 + n // 2) for n in range(7)]
    await admin.gateway.store.model_calls.append([ClosedCall(row) for row in rows])
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = await admin.read(f"gateways/default/logs?limit=2{cursor}", admin.operator)
        seen += [row["id"] for row in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == [row.id for row in sorted(rows, key=lambda row: (row.at_us, row.id), reverse=True)]
    for query in ("limit=0", "limit=201", "limit=x", "cursor=x", "cursor=1."):
        assert (await admin.ask("GET", f"gateways/default/logs?{query}", admin.operator)).status_code == 400, query


async def test_the_operator_reads_experiments_and_targets(admin: Administration) -> None:
    await admin.ask("PUT", "config", admin.operator, DOCUMENT, if_match="*")
    [experiment] = (await admin.read("experiments", admin.operator))["items"]
    assert (experiment["name"], experiment["state"]) == ("cf", "running")
    assert [arm["arm"] for arm in (await admin.read("experiments/cf", admin.operator))["report"]] == ["control", "b"]
    breakers = admin.gateway.ai_gateway.calls.books.breakers
    for failures, state in ((1, "closed"), (4, "open")):
        for _ in range(failures):
            breakers.failed(("openai/gpt-5.2", ""))
        targets = {row["id"]: row for row in (await admin.read("targets", admin.operator))["items"]}
        found = targets["openai/gpt-5.2"]
        assert (found["routes"], found["state"], found["has_key"]) == (["chat"], state, False)
    assert 0 < found["opens_in_s"] <= 15


async def test_an_address_or_method_that_is_none_is_said_in_the_same_shape(admin: Administration) -> None:
    nowhere = await admin.ask("GET", "nothing", admin.operator)
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")
    assert "GET /admin/api/openapi.json" in nowhere.json()["error"]["message"]
    method = await admin.ask("DELETE", "config", admin.operator)
    assert (method.status_code, method.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_an_experiment_is_held_goes_on_and_gets_more_callers(admin: Administration) -> None:
    await admin.ask("PUT", "config", admin.operator, DOCUMENT, if_match="*")
    steps: list[tuple[dict[str, Any], str, float]] = [
        ({"state": "held"}, "held", 0),
        ({"share": {"b": 0.5}}, "held", 0),
        ({"state": "running"}, "running", 0.5),
    ]
    for asked, state, share in steps:
        changed = await admin.ask("PATCH", "experiments/cf", admin.operator, asked)
        assert (changed.status_code, changed.json()["state"], changed.json()["share"]["b"]) == (200, state, share), asked
        assert (await admin.read("experiments/cf", admin.operator))["state"] == state
    wrong: list[dict[str, Any]] = [
        {},
        {"state": "off"},
        {"share": {}},
        {"share": {"b": 2}},
        {"share": {"b": True}},
        {"state": "held", "x": 1},
    ]
    for asked in wrong:
        assert (await admin.ask("PATCH", "experiments/cf", admin.operator, asked)).status_code == 400, asked
    assert (await admin.ask("PATCH", "experiments/cf", admin.operator, {"share": {"c": 0.5}})).status_code == 404
    assert (await admin.ask("PATCH", "experiments/none", admin.operator, {"state": "held"})).status_code == 404
    assert (await admin.ask("PATCH", "experiments/cf", admin.acme, {"state": "held"})).status_code == 403


async def test_a_page_begins_where_the_last_one_ended_whatever_came_between(admin: Administration) -> None:
    """Neither hidden nor repeated, when rows before it go or come; behind a row that has gone, in its place."""
    await admin.ask("PUT", "config", admin.operator, {"gateways": {name: {"tenant": "acme"} for name in "bdfh"}}, if_match="*")
    first = await admin.read("gateways?limit=3", admin.operator)
    assert [each["id"] for each in first["items"]] == ["default", "b", "d"]
    await admin.ask("DELETE", "gateways/b", admin.operator)
    second = await admin.read(f"gateways?limit=1&cursor={first['next_cursor']}", admin.operator)
    assert [each["id"] for each in second["items"]] == ["f"]
    await admin.ask("POST", "gateways", admin.operator, {"id": "a", "tenant": "acme"})
    third = await admin.read(f"gateways?limit=1&cursor={second['next_cursor']}", admin.operator)
    assert ([each["id"] for each in third["items"]], third["next_cursor"]) == (["h"], None)
    for cursor in ("x", "1", "1.", ".x", "-1.x"):
        assert (await admin.ask("GET", f"gateways?cursor={cursor}", admin.operator)).status_code == 400, cursor


async def test_a_gateway_of_nobody_is_a_fault(admin: Administration) -> None:
    refused = await admin.ask("PUT", "config", admin.operator, {"gateways": {"agents": {"tenant": "acmee"}}}, if_match="*")
    [fault] = refused.json()["error"]["faults"]
    assert (refused.status_code, fault["place"]) == (422, "gateways.agents.tenant")
    assert "did you mean 'acme'?" in fault["message"]


async def test_a_taken_name_tells_a_tenant_nothing_of_the_others(admin: Administration) -> None:
    """Their own is there already; what another tenant has is as free as what nobody has."""
    await admin.ask("PUT", "config", admin.operator, DOCUMENT, if_match="*")
    own = await admin.ask("POST", "gateways", admin.acme, {"id": "agents"})
    assert (own.status_code, own.json()["error"]["code"]) == (409, "exists")
    made = [await admin.ask("POST", "gateways", admin.acme, {"id": name}) for name in ("bots", "free")]
    assert [(each.status_code, each.json()) for each in made] == [
        (201, {"id": name, "tenant": "acme", "requests_per_min": None}) for name in ("bots", "free")
    ]
    assert [each["tenant"] for each in (await admin.read("gateways?limit=200", admin.acme))["items"]] == [None, "acme", "acme", "acme"]


async def test_of_two_tenants_gateways_with_one_name_the_operator_says_whose(admin: Administration) -> None:
    document = {"gateways": {"bots": {"tenant": "globex"}, "acme/bots": {"tenant": "acme"}}}
    await admin.ask("PUT", "config", admin.operator, document, if_match="*")
    refused = await admin.ask("DELETE", "gateways/bots", admin.operator)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ambiguous")
    assert (await admin.read("gateways/bots?tenant=acme", admin.operator))["tenant"] == "acme"
    assert (await admin.ask("DELETE", "gateways/bots", admin.acme)).status_code == 204
    assert (await admin.read("gateways/bots", admin.operator))["tenant"] == "globex"


@pytest.mark.parametrize(
    "gateways",
    [
        {"globex/bots": {"tenant": "acme"}},
        {"/bots": {"tenant": "acme"}},
        {"acme/": {"tenant": "acme"}},
        {"acme/default": {"tenant": "acme"}},
        {"bots": {"tenant": "acme"}, "acme/bots": {"tenant": "acme"}},
    ],
    ids=["of another tenant", "of no tenant", "without a name", "reserved", "twice"],
)
async def test_a_name_of_a_gateway_that_means_nothing_is_a_fault(admin: Administration, gateways: dict[str, Any]) -> None:
    refused = await admin.ask("PUT", "config", admin.operator, {"gateways": gateways}, if_match="*")
    [fault] = refused.json()["error"]["faults"]
    assert (refused.status_code, fault["place"].partition(".")[0]) == (422, "gateways")


async def test_usage_goes_back_as_far_as_anything_is_kept(admin: Administration) -> None:
    for days, status in ((399, 200), (401, 400)):
        since = moment_text(NOW_US - days * DAY_US).replace("+", "%2B")
        assert (await admin.ask("GET", f"usage?since={since}", admin.operator)).status_code == status, days
    assert (await admin.ask("GET", "usage?since=0001-01-01", admin.operator)).status_code == 400


async def test_the_configuration_takes_a_proof_of_now(admin: Administration) -> None:
    """Where providers are is where their keys go: an owner who signed in this morning shows their passkey once more."""
    [put] = [each for each in ai_administration(admin.gateway.administration).routes() if each.method == "PUT"]
    assert put.least is Role.OWNER
    stale = Administrator(tenant_id="default", subject="s", by="o", reaches_gateway=True, proven_at=time.time() - 601)
    request = Request({"type": "http", "method": "PUT", "path": "/", "headers": [(b"if-match", b"*")], ADMINISTRATOR: stale})
    with pytest.raises(AdminRefused) as refused:
        await put(request)
    assert refused.value.code == "insufficient_user_authentication"


async def test_every_read_ends_in_time(admin: Administration) -> None:
    seen: list[float | None] = []

    async def note(_request: Request) -> Response:
        seen.append(deadline())
        return Response()

    asker = Administrator(tenant_id="default", subject="s", by="o")
    reads = [each for each in ai_administration(admin.gateway.administration).routes() if each.method == "GET"]
    for each in reads:
        await replace(each, answer=note)(Request({"type": "http", "method": "GET", "path": "/", "headers": [], ADMINISTRATOR: asker}))
    assert len(seen) == len(reads) >= 8
    assert all(until is not None and until <= time.monotonic() + MAX_READ_S for until in seen)
