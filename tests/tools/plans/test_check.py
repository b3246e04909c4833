"""What is found before anything runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from oauth.connections.credentials import Credential, Readiness
from oauth.connections.errors import ConnectionNeeded
from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import ADA, Accounts, operation
from tools.json_schema.argument_faults import Fault, fault_of
from tools.operation import Json, Operation

CONTACT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "age": {"type": "integer"},
        "company": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Company"}]},
        "custom": {"type": "object", "additionalProperties": True},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
FOUND = {
    "type": "object",
    "properties": {"results": {"type": "array", "items": CONTACT}, "total": {"type": "integer"}},
    "$defs": {
        "Company": {"allOf": [{"type": "object", "properties": {"name": {"type": "string"}}}, {"properties": {"vat": {"type": "string"}}}]}
    },
}
TAKES = {
    "type": "object",
    "properties": {
        "contact_id": {"type": "string"},
        "limit": {"type": "integer"},
        "amount": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "filter": {
            "type": "object",
            "properties": {"stage": {"enum": ["open", "won"]}},
            "required": ["stage"],
            "additionalProperties": False,
        },
    },
    "required": ["contact_id"],
    "additionalProperties": False,
}


def typed(operation_id: str, takes: Mapping[str, Json], answers: Mapping[str, Json] | None) -> Operation:
    return replace(operation(operation_id, schema=takes), output_schema=answers)


async def crm() -> Batches:
    return await batches(
        [typed("crm.contacts.search", {"type": "object"}, FOUND), typed("crm.deals.list", TAKES, {"type": "array", "items": CONTACT})]
    )


async def faults_of(args: Mapping[str, Json], **step: Json) -> list[dict[str, Any]]:
    """Return the faults of a step `b` that may use what step `a` found."""
    gateway = await crm()
    answer = await gateway.run({"id": "a", "api": "crm.contacts.search"}, {"id": "b", "api": "crm.deals.list", "args": args, **step})
    if answer["status"] != "failed" or answer["error"]["code"] != "invalid_plan":
        return []
    assert gateway.sent == []
    faults: list[dict[str, Any]] = answer["error"]["faults"]
    return faults


@pytest.mark.parametrize(
    "args",
    [
        {"contact_id": {"$ref": "a.data.results[0].id"}},
        {"contact_id": {"$ref": "a.data.results[0].company.name"}},
        {"contact_id": {"$ref": "a.data.results[0].company.vat"}},
        {"contact_id": {"$ref": "a.data.results[0].custom.anything.at_all"}},
        {"contact_id": {"$ref": "a.data | results[0].undocumented"}},
        {"contact_id": {"$ref": "a.data.results[?age > `3`].id | [0]"}},
        {"contact_id": "x", "limit": {"$ref": "a.data.total"}, "amount": {"$ref": "a.data.total"}},
        {"contact_id": "x", "tags": {"$ref": "a.data.results[0].tags"}},
        {"contact_id": "x", "tags": [{"$ref": "a.data.results[0].tags[0]"}, "vip"]},
        {"contact_id": "x", "filter": {"stage": {"$ref": "a.data.results[0].id"}}},
        {"contact_id": {"$ref": "a.data.results[0].nickname", "default": "x"}},
    ],
)
async def test_a_reference_that_fits_is_let_through(args: Mapping[str, Json]) -> None:
    assert await faults_of(args) == []


@pytest.mark.parametrize(
    ("args", "rule", "words"),
    [
        ({"contact_id": {"$ref": "a.data.results[0].idd"}}, "reference", "a.data.results[0] has no 'idd'"),
        ({"contact_id": {"$ref": "a.data.results.id"}}, "reference", "take one element with [0] or all with [*]"),
        ({"contact_id": {"$ref": "a.data.results[0].age.years"}}, "reference", "is a number"),
        ({"contact_id": {"$ref": "a.data.total[0]"}}, "reference", "not a list"),
        ({"contact_id": {"$ref": "a.results[0].id"}}, "reference", "a has no 'results'; it has ok"),
        ({"contact_id": {"$ref": "a.data.total"}}, "type string", "is a number, but a text is wanted"),
        ({"contact_id": {"$ref": "a.data.results"}}, "type string", "is a list, but a text is wanted"),
        ({"contact_id": "x", "limit": {"$ref": "a.data.results[0].id"}}, "type integer", "is a text, but a number is wanted"),
        ({"contact_id": "x", "tags": [{"$ref": "a.data.total"}]}, "type string", "arguments.tags[0]"),
        ({"limit": {"$ref": "a.data.total"}}, "required", "arguments.contact_id is missing"),
        ({"contact_id": "x", "limitt": {"$ref": "a.data.total"}}, "no such argument", "did you mean 'limit'?"),
        ({"contact_id": "x", "filter": {"x": {"$ref": "a.data.total"}}}, "required", "filter.stage"),
        ({"contact_id": {"$ref": "a.data.results[0"}}, "reference", "is not JMESPath"),
        ({"contact_id": {"$ref": "a.data", "fallback": 1}}, "reference", "alone"),
        ({"contact_id": {"$ref": "c.data.id"}}, "known step", "refers to step 'c', which is not in the plan"),
        ({"contact_id": {"$ref": "b.data.id"}}, "no cycle", "its own step"),
        ({"contact_id": {"$ref": "#/components/x"}}, "reference", "JSON Schema reference"),
        ({"contact_id": {"$item": "id"}}, "for_each", "this step has none"),
    ],
)
async def test_a_reference_that_cannot_fit_is_a_fault(args: Mapping[str, Json], rule: str, words: str) -> None:
    """three-tools.md: missing or ill-typed argument, references against the known output schema."""
    faults = await faults_of(args)
    assert any(fault["rule"] == rule and words in fault["message"] and fault["step"] == "b" for fault in faults), faults


async def test_a_plan_that_waits_for_itself_names_the_circle() -> None:
    gateway = await crm()
    answer = await gateway.run(
        {"id": "a", "api": "crm.contacts.search", "depends_on": ["c"]},
        {"id": "b", "api": "crm.contacts.search", "args": {"x": {"$ref": "a.data.total"}}},
        {"id": "c", "api": "crm.contacts.search", "if": "b.ok"},
        {"id": "d", "api": "crm.contacts.serch"},
    )
    faults = answer["error"]["faults"]
    assert [fault["rule"] for fault in faults] == ["no cycle", "known operation"]
    assert "a → c → b → a" in faults[0]["message"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"for_each": "a.data.total", "args": {"contact_id": "x"}}, "for_each: 'a.data.total' is a number, but a list is wanted"),
        ({"for_each": "a.data.results", "args": {"contact_id": {"$item": "age"}}}, "is a number, but a text is wanted"),
        ({"for_each": "a.data.results", "args": {"contact_id": {"$item": "idd"}}}, "the element has no 'idd'"),
        ({"args": {"contact_id": "x"}, "if": "!a.ok"}, "write !(a.b)"),
        ({"args": {"contact_id": "x"}, "if": "length("}, "is not JMESPath"),
        ({"args": {"contact_id": "x"}, "if": "length(@)"}, "reads all steps"),
        ({"args": {"contact_id": "x"}, "select": "results["}, "not usable JMESPath"),
        ({"args": {"contact_id": "x"}, "depends_on": ["aa"]}, "'aa', which is not in the plan"),
        ({"args": {"contact_id": "x"}, "depends_on": ["a" * 1_000_000]}, f"'{'a' * 120}', which is not in the plan"),
        ({"api": "batch_execute"}, "cannot be a step"),
    ],
)
async def test_a_step_whose_form_is_wrong_is_a_fault(step: dict[str, Json], words: str) -> None:
    faults = await faults_of(step.pop("args", {}), **step)
    assert any(words in fault["message"] for fault in faults), faults


async def test_two_steps_with_one_id_and_ids_that_cannot_be_named_are_faults() -> None:
    gateway = await crm()
    api = "crm.contacts.search"
    answer = await gateway.run({"id": "a", "api": api}, {"id": "a", "api": api}, {"id": "steps", "api": api}, {"id": "x y", "api": api})
    assert [fault["step"] for fault in answer["error"]["faults"]] == ["a", "steps", "x y"]


async def test_a_plan_without_steps_says_what_to_give() -> None:
    answer = await (await crm()).run(return_="a.data")
    assert "no steps" in answer["error"]["message"]


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


class Unconnected(Accounts):
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


@pytest.mark.parametrize(
    "definition",
    [
        {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]},
        {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]},
        {"oneOf": [{"allOf": [{"$ref": "#/$defs/A"}] * 9}] * 9},
        {"type": ["object", "null"], "properties": {"id": {"$ref": "#/$defs/A"}}, "additionalProperties": True},
        {"$ref": "#/$defs/A"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/schema.json"},
        True,
        False,
    ],
)
async def test_a_schema_that_goes_in_circles_is_taken_as_unknown(definition: Json) -> None:
    """Documents of strangers: checking a plan ends, whatever they say."""
    answers = {"$ref": "#/$defs/A", "$defs": {"A": definition}}
    gateway = await batches([typed("odd.get", {"type": "object"}, answers), typed("odd.put", TAKES, None)])
    path = "a.data.id.id.other.id"
    answer = await gateway.run({"id": "a", "api": "odd.get"}, {"id": "b", "api": "odd.put", "args": {"contact_id": {"$ref": path}}})
    assert answer["status"] in ("partial", "completed"), answer


async def test_a_plan_of_very_many_references_or_faults_is_answered_in_short() -> None:
    """A body of 4 MiB holds 150,000 of them; nobody waits while each is read, and nobody reads about each."""
    gateway = await crm()
    many = [{"$ref": "find.data"}] * 20_000
    find = {"id": "find", "api": "crm.contacts.search", "args": {"query": "Ada"}}
    answer = await gateway.run(find, {"id": "note", "api": "crm.notes.create", "args": {"contact_id": many}})
    assert answer["error"]["faults"][0]["rule"] == "at most 1000 references"
    others = [f"step{number}" for number in range(20_000)]
    answer = await gateway.run({**find, "depends_on": others})
    assert len(answer["error"]["faults"]) <= 100
    assert gateway.sent == []


async def test_a_plan_of_many_faults_is_told_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """attacks.md: one plan of 200 KB stood for 44 s; what is above the limit is not shown, so nobody looks for it."""
    zones: dict[str, Json] = {"type": "array", "items": {"enum": [f"zone_{number}" for number in range(590)]}}
    house = await batches([operation("crm.zones.set", schema={"type": "object", "properties": {"zones": zones}})])
    worded: list[object] = []

    def counted(*given: Any, **more: Any) -> Fault:
        worded.append(1)
        return fault_of(*given, **more)

    monkeypatch.setattr("tools.dispatch.arguments.fault_of", counted)
    steps = [{"id": f"s{number}", "api": "crm.zones.set", "args": {"zones": ["nowhere"] * 200}} for number in range(50)]
    answer = await house.run(*steps)
    assert answer["error"]["code"] == "invalid_plan"
    assert len(answer["error"]["faults"]) == 100
    assert len(worded) <= 200


async def test_unknown_steps_are_told_what_was_meant_a_few_times() -> None:
    """attacks.md: 50 unknown steps took 3.5 s at 2,000 operations."""
    house = await batches([operation("crm.contacts.search")])
    answer = await house.run(*({"id": f"s{number}", "api": "crm.contact.search", "args": {}} for number in range(50)))
    faults = answer["error"]["faults"]
    assert len(faults) == 50
    assert [fault["step"] for fault in faults if fault.get("did_you_mean") == ["crm.contacts.search"]] == [f"s{n}" for n in range(8)]


async def test_long_expressions_are_refused_before_they_are_parsed() -> None:
    """A thousand expressions of two thousand characters took 5 s to parse; names and indexes need no parser."""
    house = await batches([operation("crm.a.get")])
    plain = {"a": [{"$ref": "one.data" + ".b" * 40 + f"[{number}]"} for number in range(900)]}
    first = {"id": "one", "api": "crm.a.get", "args": {}}
    assert (await house.run(first, {"id": "two", "api": "crm.a.get", "args": plain}, dry_run=True))["status"] == "completed"
    odd = {"a": [{"$ref": "one.data.a || " * 100 + f"one.data.b{number}"} for number in range(900)]}
    answer = await house.run(first, {"id": "two", "api": "crm.a.get", "args": odd}, dry_run=True)
    assert "too long together" in str(answer["error"]["faults"])
