"""Plans that run: order, dataflow, failures, what comes back."""

from tests.tools.batch.plans import batches
from tests.tools.stand_ins import answering, operation

CONTACTS = {"results": [{"id": "con_1", "name": "Ada"}, {"id": "con_2", "name": "Grace"}], "total": 2}


async def test_a_later_step_takes_a_value_of_an_earlier_one_with_its_type() -> None:
    """three-tools.md, batch_execute: `$ref` keeps JSON types."""
    gateway = await batches([operation("crm.contacts.search"), operation("crm.deals.list")])
    gateway.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    answer = await gateway.run(
        {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
        {"id": "deals", "api": "crm.deals.list", "args": {"who": {"$ref": "ada.data.results[0].id"}, "n": {"$ref": "ada.data.total"}}},
        return_="steps.deals.data.who",
    )
    assert answer["status"] == "completed", answer
    assert answer["returned"] == "con_1"
    assert gateway.sent[1] == ("crm.deals.list", {"who": "con_1", "n": 2})
    assert all(step["ok"] for step in answer["steps"].values())
    assert answer["stats"]["calls"] == 2


async def test_for_each_runs_a_step_for_every_element_in_order() -> None:
    """three-tools.md: `for_each` maps a step over a list with `$item`."""
    gateway = await batches([operation("crm.contacts.search"), operation("crm.deals.list")])
    gateway.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    answer = await gateway.run(
        {"id": "all", "api": "crm.contacts.search"},
        {"id": "deals", "api": "crm.deals.list", "for_each": "all.data.results", "args": {"who": {"$item": "id"}}},
        return_="deals.data[].who",
    )
    assert answer["returned"] == ["con_1", "con_2"]
    assert answer["steps"]["deals"]["items"] == {"total": 2, "ok": 2}


async def test_every_fault_of_a_plan_is_reported_and_nothing_runs() -> None:
    """three-tools.md: the whole plan is checked before any side effect, all faults at once with the step's id."""
    schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"], "additionalProperties": False}
    gateway = await batches([operation("crm.contacts.search", schema=schema), operation("crm.deals.list")])
    answer = await gateway.run(
        {"id": "a", "api": "crm.contacts.serch", "args": {"query": "x"}},
        {"id": "b", "api": "crm.contacts.search", "args": {"query": 7}},
        {"id": "c", "api": "crm.contacts.search", "args": {}},
        {"id": "d", "api": "crm.deals.list", "args": {"x": {"$ref": "nowhere.data.id"}}},
        {"id": "e", "api": "crm.deals.list", "depends_on": ["f"]},
        {"id": "f", "api": "crm.deals.list", "depends_on": ["e"]},
    )
    assert answer["status"] == "failed"
    faults = answer["error"]["faults"]
    assert [fault["step"] for fault in faults] == ["d", "a", "b", "c"]
    assert faults[1]["did_you_mean"][0] == "crm.contacts.search"
    assert faults[2]["value"] == 7
    assert faults[3]["rule"] == "required"
    assert gateway.sent == []
