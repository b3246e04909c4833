"""Stored plans on the engine itself: on both databases, over two processes' worth of engines."""

import pytest

from server.storage.database import Database
from server.storage.workflows.definitions import SqlDefinitionStore
from tests.contracts.workflows.workflow_engines import TENANT, Durable, durable_on, running
from tests.waiting import until
from tools.workflows.declared.definition import definition_of
from tools.workflows.declared.known_definitions import KnownDefinitions
from tools.workflows.declared.stores import StoredDefinition
from tools.workflows.errors import WorkflowRefused

PLAN = {
    "workflow": "approved",
    "input": {"properties": {"names": {"type": "array"}}, "required": ["names"]},
    "steps": [
        {"id": "told", "api": "note", "for_each": "input.names", "args": {"name": {"$item": ""}}},
        {"id": "yes", "api": "wait", "args": {"signal": "approved", "timeout_s": 3600}, "depends_on": ["told"]},
        {"id": "done", "api": "note", "if": "yes.data.ok", "args": {"of": {"$ref": "told.data[].name"}}},
    ],
    "return": "{told: told.data[].name, done: done.data.of}",
}


async def put_together(database: Database) -> Durable:
    durable, store = durable_on(database), SqlDefinitionStore(database)
    known = KnownDefinitions(store, lambda _tenant, _api: None)
    durable.registry.ask(known.find, known.of)
    await store.put(StoredDefinition(TENANT, "approved", 0, PLAN, definition_of(PLAN).content_hash, {}, (), "", 0))
    return durable


async def test_a_plan_goes_on_in_another_process_where_it_was(sql_database: Database) -> None:
    """What is on record does not happen again; names tell which step that is."""
    first = await put_together(sql_database)
    async with running(first):
        run_id = await first.workflows.start(TENANT, "approved", {"names": ["Ada", "Grace"]})
        await until(lambda: first.is_in(run_id, "waiting"))
    second = await put_together(sql_database)
    async with running(second):
        await second.workflows.signal(TENANT, run_id, "approved", {"ok": True}, key="1")
        view = await second.ended(run_id)
    assert (view.state, view.result) == ("succeeded", {"told": ["Ada", "Grace"], "done": ["Ada", "Grace"]})
    assert sorted(key for _operation, key in first.door.calls) == [f"{run_id}:told[0]", f"{run_id}:told[1]"]
    assert [key for _operation, key in second.door.calls] == [f"{run_id}:done"]
    assert sorted(step.name for step in view.steps) == ["done", "told[0]", "told[1]", "yes"]


async def test_a_plan_is_its_tenants_alone_and_says_what_it_takes(sql_database: Database) -> None:
    durable = await put_together(sql_database)
    with pytest.raises(WorkflowRefused) as unknown:
        await durable.workflows.start("globex", "approved", {"names": []})
    assert unknown.value.failure.code == "not_found"
    with pytest.raises(WorkflowRefused) as unfit:
        await durable.workflows.start(TENANT, "approved", {"names": "Ada"})
    assert unfit.value.failure.code == "invalid_arguments"
    assert [each.name for each in await durable.registry.for_people(TENANT)] == ["approved"]
    assert await durable.registry.for_people("globex") == []
