"""What a plan asks for before anything runs: scopes, accounts, one yes; and what a dry run shows."""

from dataclasses import replace

from oauth.connections.credentials import Credential, Readiness
from oauth.connections.errors import ConnectionNeeded
from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from tests.tools.plans.plans import batches
from tests.tools.plans.typed_crm import crm
from tests.tools.stand_ins import ADA, KnownConnections, operation
from tools.operation import Json


async def test_the_scopes_of_the_whole_plan_are_asked_for_at_once() -> None:
    """RFC 9470-style step-up: one request names every scope that any step lacks."""
    gateway = await batches(
        [operation("crm.notes.create", "write"), operation("hr.people.remove", "destructive"), operation("crm.deals.list")]
    )
    reader = replace(ADA, scopes=frozenset({"mcp", "crm:read"}))
    steps = [{"id": name, "api": name} for name in ("a", "b", "c")]
    for step, api in zip(steps, ("crm.notes.create", "hr.people.remove", "crm.deals.list"), strict=True):
        step["api"] = api
    outcome = await gateway.outcome(*steps, principal=reader)
    assert outcome.error is not None
    assert outcome.error.code == "insufficient_scope"
    assert outcome.error.missing_scopes == {"crm:write", "hr:destructive"}
    assert [fault["step"] for fault in outcome.error.faults] == ["a", "b"]
    assert gateway.sent == []


class Unconnected(KnownConnections):
    """Accounts where a link stands for what is missing."""

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        readiness = self.readiness(principal, provider, scopes)
        if readiness.status != "ready":
            raise ConnectionNeeded(readiness, f"https://gateway.test/connect/{provider}", f"connect {provider}")
        return await super().for_call(principal, provider, scopes, account)


async def test_a_missing_account_is_told_with_the_other_faults_of_a_plan() -> None:
    """three-tools.md: all faults are reported at once; nobody connects an account for a plan that cannot run."""
    accounts = Unconnected()
    accounts.readiness_by_provider = {"mail": Readiness("mail", "needs_auth")}
    gateway = await batches([operation("mail.send", "write", connection="mail"), operation("crm.deals.list")], accounts=accounts)
    answer = await gateway.run({"id": "a", "api": "crm.deals.lst"}, {"id": "b", "api": "mail.send"})
    assert [(fault["step"], fault["rule"]) for fault in answer["error"]["faults"]] == [("a", "known operation"), ("b", "connection")]
    assert "no account of mail is ready" in answer["error"]["faults"][1]["message"]
    assert "connections" not in answer


async def test_missing_accounts_are_asked_for_before_anything_runs_and_the_handle_goes_on() -> None:
    """three-tools.md: missing connection is found in the check; the first link is what the client may open."""
    accounts = Unconnected()
    accounts.readiness_by_provider = {name: Readiness(name, "needs_auth") for name in ("mail", "files")}
    gateway = await batches(
        [operation("mail.send", "write", connection="mail"), operation("files.list", connection="files"), operation("crm.deals.list")],
        accounts=accounts,
    )
    steps = [{"id": "a", "api": "crm.deals.list"}, {"id": "b", "api": "mail.send"}, {"id": "c", "api": "files.list"}]
    outcome = await gateway.outcome(*steps)
    assert outcome.status == "needs_connection"
    assert outcome.connection is not None
    assert outcome.connection.url == "https://gateway.test/connect/mail"
    assert outcome.data["status"] == "needs_connection"
    assert [each["provider"] for each in outcome.data["connections"]] == ["mail", "files"]
    assert gateway.sent == []
    accounts.readiness_by_provider = {}
    answer = await gateway.run(resume=outcome.data["resume"])
    assert answer["status"] == "completed"
    assert len(gateway.sent) == 3


async def test_everything_destructive_is_confirmed_once_for_exactly_this_plan() -> None:
    """three-tools.md: one confirmation for the exact plan; a token fits no other."""
    gateway = await batches([operation("crm.contacts.delete", "destructive"), operation("crm.contacts.search")])
    plan: list[dict[str, Json]] = [
        {"id": "find", "api": "crm.contacts.search"},
        {"id": "gone", "api": "crm.contacts.delete", "for_each": ["con_1", "con_2"], "args": {"id": {"$item": ""}}},
    ]
    asked = await gateway.run(*plan)
    assert asked["status"] == "needs_confirmation"
    assert asked["destructive"] == ["gone"]
    assert gateway.sent == []
    token = asked["confirmation"]["confirm"]
    other = [plan[0], {**plan[1], "for_each": ["con_3"]}]
    assert (await gateway.run(*other, confirm=token))["status"] == "needs_confirmation"
    stranger = replace(ADA, subject="mallory")
    assert (await gateway.run(*plan, principal=stranger, confirm=token))["status"] == "needs_confirmation"
    assert gateway.sent == []
    done = await gateway.run(*plan, confirm=token)
    assert done["status"] == "completed"
    assert [arguments for api, arguments in gateway.sent if api == "crm.contacts.delete"] == [{"id": "con_1"}, {"id": "con_2"}]


async def test_the_question_may_be_answered_with_its_handle() -> None:
    gateway = await batches([operation("crm.contacts.delete", "destructive")])
    asked = await gateway.run({"id": "gone", "api": "crm.contacts.delete", "args": {"id": "con_1"}})
    assert (await gateway.run(resume=asked["resume"]))["status"] == "needs_confirmation"
    done = await gateway.run(resume=asked["resume"], confirm=asked["confirmation"]["confirm"])
    assert done["status"] == "completed"
    assert len(gateway.sent) == 1


async def test_a_tenant_that_confirms_nothing_is_not_asked() -> None:
    tenants = Tenants([replace(Tenant("acme", "Acme"), confirm_destructive=False)])
    gateway = await batches([operation("crm.contacts.delete", "destructive")], tenants=tenants)
    assert (await gateway.run({"id": "gone", "api": "crm.contacts.delete"}))["status"] == "completed"


async def test_a_dry_run_shows_requests_and_waves_and_sends_nothing() -> None:
    """three-tools.md: dry_run."""
    gateway = await crm()
    answer = await gateway.run(
        {"id": "a", "api": "crm.contacts.search", "args": {"query": "Ada"}},
        {"id": "b", "api": "crm.deals.list", "args": {"contact_id": {"$ref": "a.data.results[0].id"}}},
        {"id": "c", "api": "crm.contacts.search"},
        dry_run=True,
    )
    assert answer["dry_run"] is True
    assert answer["waves"] == [["a", "c"], ["b"]]
    assert answer["steps"]["a"]["request"]["method"] == "GET"
    assert answer["steps"]["b"]["args"] == {"contact_id": {"$ref": "a.data.results[0].id"}}
    assert gateway.sent == []
