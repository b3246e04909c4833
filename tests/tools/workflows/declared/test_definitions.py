"""A definition is checked whole before it is kept: every fault with its line, its rule and a way out."""

from dataclasses import replace

import pytest

from capability_index.index import CapabilityIndex
from oauth.tenants import Tenant, Tenants
from server.storage.memory.tools import MemoryCallRecords, MemoryIdempotencyStore, MemoryOperationStore, MemoryResultStore, MemoryUsageStore
from tests.tools.assembly import ToolStores, assemble
from tests.tools.plans.typed_crm import FOUND, TAKES, typed
from tests.tools.stand_ins import ADA, KnownConnections, ScriptedRunner, operation
from tools.plans.check import PlanCheck
from tools.stores import Source
from tools.workflows.declared.checking import CheckedDefinition, check_definition
from tools.workflows.declared.definition import read_definition
from tools.workflows.declared.errors import DefinitionInvalid

GOOD = """
workflow: welcome
title: Greets a new contact
input:
  properties:
    name: {type: string}
    tags: {type: array, items: {type: string}}
  required: [name]
retry: {attempts: 3}
steps:
  - id: found
    api: crm.contacts.search
    args: {query: {$ref: input.name}}
  - id: pause
    api: sleep
    args: {seconds: 60}
  - id: deals
    api: crm.deals.list
    for_each: found.data.results
    args:
      contact_id: {$item: id}
      tags: {$ref: input.tags, default: []}
    depends_on: [pause]
return: deals.data[]
"""


async def plan_check() -> PlanCheck:
    """The check of a gateway with a small CRM whose operations have types."""
    store, records = MemoryOperationStore(), MemoryCallRecords()
    operations = [
        typed("crm.contacts.search", {"type": "object"}, FOUND),
        typed("crm.deals.list", TAKES, {"type": "array"}),
        operation("crm.contacts.delete", "destructive"),
    ]
    await store.replace(Source("crm", None, "openapi", "file", "crm", {}), operations)
    made = assemble(
        stores=ToolStores(store, MemoryResultStore(), MemoryIdempotencyStore(), records, MemoryUsageStore()),
        tenants=Tenants([Tenant("acme", "Acme")]),
        index=CapabilityIndex(None),
        credentials=KnownConnections(),
        runners={"openapi": ScriptedRunner()},
        recorder=records,
        key=b"k" * 32,
    )
    parts = made.parts
    await parts.catalog.load()
    return PlanCheck(parts.catalog, parts.policy, parts.validators, parts.credentials, parts.suggestions)


async def checked(text: str, principal: object = ADA) -> CheckedDefinition:
    definition, document = read_definition(text.encode())
    return await check_definition(await plan_check(), principal, definition, document)  # type: ignore[arg-type]


async def faults_of(text: str, principal: object = ADA) -> list[str]:
    with pytest.raises(DefinitionInvalid) as refused:
        await checked(text, principal)
    return [str(fault) for fault in refused.value.faults]


async def test_a_sound_definition_is_taken() -> None:
    found = await checked(GOOD)
    definition = found.definition
    assert (definition.name, definition.title, definition.retry.attempts) == ("welcome", "Greets a new contact", 3)
    assert [step.id for step in definition.plan.steps] == ["found", "pause", "deals"]
    assert definition.input_schema == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["name"],
    }
    assert (found.agreed, found.notes) == ({}, ())


async def test_json_and_yaml_say_the_same() -> None:
    yaml, _ = read_definition(b"workflow: w\nsteps:\n- {id: a, api: x, args: {n: 1}}\n")
    json, _ = read_definition(b'{"steps": [{"args": {"n": 1}, "api": "x", "id": "a"}],\t"workflow": "w"}')
    assert yaml.content_hash == json.content_hash


async def test_all_faults_of_the_plan_are_said_at_once_with_their_lines() -> None:
    text = (
        GOOD.replace("crm.contacts.search", "crm.contacts.serach")
        .replace("seconds: 60", "seconds: soon")
        .replace("contact_id: {$item: id}", "contact_id: {$ref: input.nmae}")
        .replace("tags: {$ref: input.tags, default: []}", "tags: {$ref: input.name}")
        .replace("depends_on: [pause]", "depends_on: [puase]")
    )
    found = await faults_of(text)
    lines = [(int(fault.split()[1].rstrip(":")), fault.split()[2].rstrip(":")) for fault in found]
    assert lines == [
        (12, "steps[0].api"),
        (16, "steps[1].args.seconds"),
        (21, "steps[2].args.contact_id"),
        (22, "steps[2].args.tags"),
        (23, "steps[2].depends_on"),
    ]
    assert "crm.contacts.search" in found[0]
    assert "did you mean 'name'" in found[2]
    assert "a list" in found[3] or "array" in found[3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is no object"),
        ("- a", "it is no object"),
        ("workflow: w", "line 1: steps: is missing"),
        ("workflow: W!\nsteps: [{id: a, api: x}]", "line 1: workflow: 'W!' is no name"),
        ("workflow: w\nsteps:\n  - id: a\n    apu: x", "line 4: steps[0].apu: is no member; did you mean 'api'?"),
        ("workflow: w\nsteps:\n  - {id: a, api: x, idempotency_key: k}", "idempotency_key"),
        ("workflow: w\nsteps: []", "steps"),
        ("workflow: w\nretry: {attempts: 0}\nsteps: [{id: a, api: x}]", "line 2: retry.attempts"),
        ("workflow: w\nallow: everything\nsteps: [{id: a, api: x}]", "line 2: allow"),
        ("workflow: w\ninput: {type: array}\nsteps: [{id: a, api: x}]", "line 2: input: is no JSON Schema of an object"),
        ("workflow: w\ninput: {properties: {a: {type: nothing}}}\nsteps: [{id: a, api: x}]", "line 2: input: is no JSON Schema"),
        ("workflow: w\nworkflow: v\nsteps: [{id: a, api: x}]", "line 2: 'workflow' stands there twice"),
        ("workflow: [", "neither JSON nor YAML"),
        ("a: " + "[" * 20_000, "exceeded maximum nesting depth"),
        ("workflow: w\nx: " + "a" * 300_000, "262,144 are the most"),
    ],
    ids=[str(number) for number in range(15)],
)
def test_what_is_no_definition_is_told_where(text: str, said: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        read_definition(text.encode())
    assert any(said in str(fault) for fault in refused.value.faults), [str(fault) for fault in refused.value.faults]


async def test_the_name_of_the_input_is_no_steps() -> None:
    [fault] = await faults_of("workflow: w\nsteps:\n  - {id: input, api: sleep, args: {seconds: 1}}")
    assert "'input' cannot be a step id" in fault


async def test_what_a_durable_step_does_not_keep_cannot_be_referred_to() -> None:
    """It would be there the first time, and not after a process died."""
    text = GOOD.replace("found.data.results", "found.page.items")
    assert any("a run keeps the data of a step, not its page" in fault for fault in await faults_of(text))


async def test_what_cannot_be_undone_is_agreed_to_by_a_person_who_may() -> None:
    text = "workflow: w\nallow: destructive\nsteps:\n  - {id: gone, api: crm.contacts.delete, args: {}}"
    assert set((await checked(text)).agreed) == {"gone"}
    [missing] = await faults_of(text.replace("allow: destructive\n", ""))
    assert "say `allow: destructive`" in missing
    assert missing.startswith("line 3: steps[0].api")
    [nobody] = await faults_of(text, replace(ADA, subject=""))
    assert "--as EMAIL" in nobody
    [may_not] = await faults_of(text, replace(ADA, scopes=frozenset({"mcp", "mcp:read"})))
    assert "crm:destructive" in may_not


async def test_operations_that_run_others_are_no_steps() -> None:
    [fault] = await faults_of("workflow: w\nsteps:\n  - {id: a, api: batch_execute, args: {}}")
    assert "batch_execute" in fault


async def test_a_schedule_is_checked_with_the_rest() -> None:
    """Its time, its zone, what its runs are given, and for whom they call."""
    good = GOOD + "schedule: {cron: '0 7 * * MON-FRI', zone: Europe/Berlin, given: {name: Ada}}\n"
    found = (await checked(good)).definition.schedule
    assert found is not None
    assert (found.cron, found.zone, found.given) == ("0 7 * * MON-FRI", "Europe/Berlin", {"name": "Ada"})
    bad = GOOD + "schedule:\n  cron: 0 25 * * *\n  zone: Europe/Berlinn\n  given:\n    nmae: Ada\n"
    places = [fault.split(": ")[1] for fault in await faults_of(bad, replace(ADA, subject=""))]
    assert places == ["schedule", "schedule.cron", "schedule.zone", "schedule.given.name"]
