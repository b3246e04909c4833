"""What each noun lets do, done once by an operator through the API, and what it leaves."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.command_line import ascend_here
from tests.server.admin.conftest import Administration, administration
from tests.server.admin.issuer import issuing
from tests.server.admin.two_tenants import fill


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[Administration]:
    async with administration(tmp_path) as admin:
        owners = {"acme": admin.acme, "globex": (await admin.administrator("globex", "owner@globex.test"))[1]}
        await fill(admin, owners)
        yield admin


async def rows(admin: Administration, path: str) -> list[dict[str, Any]]:
    answer = await admin.api("GET", path, admin.operator)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def done(admin: Administration, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = await admin.api(method, path, admin.operator, body, **headers)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def test_an_error_is_acknowledged_and_resolved(filled: Administration) -> None:
    """By whom is told, and what is resolved leaves the list until it comes again."""
    [error] = await rows(filled, "errors?tenant=acme")
    assert (error["state"], error["count"], error["class"]) == ("open", 1, "upstream")
    assert (await done(filled, "POST", f"errors/{error['id']}/acknowledge"))["item"]["state"] == "acknowledged"
    assert (await rows(filled, "errors?tenant=acme&state=acknowledged"))[0]["changed_by"] == "ops@example.com"
    await done(filled, "POST", f"errors/{error['id']}/resolve")
    assert await rows(filled, "errors?tenant=acme") == []
    assert len(await rows(filled, "errors?tenant=acme&state=all")) == 1


async def test_of_two_who_change_a_tenant_one_is_told(filled: Administration) -> None:
    seen = await filled.api("GET", "tenants/acme", filled.operator)
    assert seen.json()["client_line"].endswith("/mcp/acme")
    tag = seen.headers["etag"]
    own = await filled.api("PATCH", "tenants/acme", filled.acme, {"static_tokens_until": "2999-01-01"}, if_match="*")
    assert own.status_code == 403, "static tokens are a way in, which the operator opens"
    await done(filled, "PATCH", "tenants/acme", {"title": "First", "confirm_destructive": "no"}, if_match=tag)
    late = await filled.api("PATCH", "tenants/acme", filled.operator, {"title": "Second"}, if_match=tag)
    assert (late.status_code, late.json()["error"]["code"]) == (412, "version_conflict")
    assert (await filled.api("POST", "tenants/default/suspend", filled.operator)).status_code == 409
    assert (await done(filled, "POST", "tenants/acme/suspend"))["item"]["state"] == "suspended"
    assert (await done(filled, "POST", "tenants/acme/resume"))["item"]["title"] == "First"
    for body in ({"sign_in": "magic"}, {"baseline": "mcp:read"}, {"static_tokens_until": "soon"}, {"plan": "gold"}, {}):
        assert (await filled.api("PATCH", "tenants/acme", filled.operator, body, if_match="*")).status_code == 422, body


async def test_an_owner_of_a_tenant_sends_all_there_is_and_changes_what_is_theirs(filled: Administration) -> None:
    """As the console's form does, which has the ways in, too: the operator's alone to change, to leave as they are anybody's."""
    shown = (await filled.api("GET", "tenants/acme", filled.acme)).json()
    sent = {name: shown[name] for name in ("title", "sign_in", "baseline", "confirm_destructive", "static_tokens_until", "plan")}
    changed = await filled.api("PATCH", "tenants/acme", filled.acme, {**sent, "title": "Ours"}, if_match="*")
    assert changed.status_code == 200, changed.text
    assert {**changed.json()["item"], "version": ""} == {**shown, "title": "Ours", "version": ""}
    for other in ({"sign_in": "federation"}, {"static_tokens_until": "2999-01-01"}, {"plan": "pro"}):
        refused = await filled.api("PATCH", "tenants/acme", filled.acme, {**sent, **other}, if_match="*")
        assert refused.status_code == 403, other


async def test_a_tenant_is_put_on_a_plan_and_taken_off_it(filled: Administration) -> None:
    on_it = (await done(filled, "PATCH", "tenants/acme", {"plan": "pro"}, if_match="*"))["item"]
    assert (on_it["plan"], on_it["calls_per_hour"]) == ("pro", 1_000)
    off_it = (await done(filled, "PATCH", "tenants/acme", {"plan": "none"}, if_match="*"))["item"]
    assert (off_it["plan"], off_it["calls_per_hour"]) == ("none", None)


async def test_clients_and_accounts_are_ended(filled: Administration) -> None:
    assert (await done(filled, "POST", "clients/acme-client/revoke"))["item"]["state"] == "revoked"
    await done(filled, "POST", "clients/acme-client/revoke", {"forget": True})
    assert [row["id"] for row in await rows(filled, "clients?tenant=acme&kind=registered") if row["id"] == "acme-client"] == []
    [account] = await rows(filled, "connections?tenant=acme")
    assert (account["who"], account["alias"], account["state"]) == ("acme-person@acme.test", "acme-alias", "ready")
    assert "secret-of-acme" not in str(await filled.api("GET", f"connections/{account['id']}", filled.operator))
    await done(filled, "DELETE", f"connections/{account['id']}")
    assert await rows(filled, "connections?tenant=acme") == []


async def test_an_operation_is_looked_at_and_tried_without_being_sent(filled: Administration) -> None:
    [operation] = await rows(filled, "operations?tenant=acme&provider=acme-crm&access=read")
    tried = await done(filled, "POST", f"operations/{operation['id']}/dry-run", {"tenant": "acme", "arguments": "{}"})
    assert "https://crm.test/deals" in str(tried["item"]["request"])
    wrong = await filled.api("POST", f"operations/{operation['id']}/dry-run", filled.operator, {"tenant": "acme", "arguments": "["})
    assert wrong.status_code == 422
    said = {"tenant": "acme", "arguments": '{"password": "hunter2", "note": "about Ada"}', "account": "token=hunter3"}
    await filled.api("POST", f"operations/{operation['id']}/dry-run", filled.operator, said)
    await filled.api("POST", "tenants", filled.operator, {"id": "newer", "title": "password=hunter4"})
    kept = [row.details for row in await filled.gateway.store.audit_trail.rows(limit=10)]
    assert any("(secret)" in details for details in kept)
    assert not [details for details in kept if "hunter" in details or "Ada" in details]
    unused = await rows(filled, "usage?tenant=acme&unused=true&limit=200")
    assert "connections.list" in {row["operation"] for row in unused}
    assert operation["id"] not in {row["operation"] for row in unused}


async def test_trust_is_added_tried_and_ended_from_the_command_line(tmp_path: Path) -> None:
    """The issuer says itself where its keys are; a statement that is only tried can still be used."""

    def ascend(*words: str, stdin: str = "") -> str:
        said = ascend_here(*words, data_dir=tmp_path, stdin=stdin, environ={"ASCEND_EGRESS_ALLOW": "127.0.0.1:*"})
        return f"{said.returncode} {said.stdout}{said.stderr}"

    def follow(issuer: str, statement: str, other: str) -> list[str]:
        add = ("trust", "add", "ci", "--issuer", issuer, "--role", "auditor")
        return [
            ascend(*add, "--gateway", "--claim", "project=7"),
            ascend(*add, "--gateway", "--claim", "project=7"),
            ascend(*add, "--claim", "project=7"),
            ascend(*add, "--gateway", "--claim", "project=*"),
            ascend("trust", "test", "-", stdin=statement),
            ascend("trust", "test", "-", stdin=other),
            ascend("trust", "end", "ci"),
            ascend("trust", "end", "ci"),
        ]

    async with issuing() as issuer:
        claims = {"aud": "http://localhost:8080/admin", "project": "7"}
        said = await anyio.to_thread.run_sync(follow, issuer.url, issuer.says(claims), issuer.says(claims | {"project": "8"}))
    for line, wanted in zip(
        said,
        (
            "0 workloads of ci may administer as auditor",
            "1 ascend: tenant 'default' has a policy 'ci' already",
            "2 ascend trust add: say how far it reaches",
            "2 ascend trust add: --claims: project is compared whole",
            "0 ci (default): fits, as auditor",
            "1 ci (default): project is not '7'",
            "0 the policy ci has ended",
            "1 ascend: no trust policy 'ci'",
        ),
        strict=True,
    ):
        assert line.startswith(wanted), line
