"""Plans that run: order, dataflow, failures, what comes back."""

from dataclasses import replace

from tests.tools.plans.crm_batches import crm
from tests.tools.plans.plans import batches, failing
from tests.tools.stand_ins import Crowd, answering, operation


async def test_a_later_step_takes_a_value_of_an_earlier_one_with_its_type() -> None:
    """three-tools.md, batch_execute: `$ref` keeps JSON types."""
    gateway = await crm()
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
    assert "resume" not in answer


async def test_for_each_runs_a_step_for_every_element_in_order() -> None:
    """three-tools.md: `for_each` maps a step over a list with `$item`."""
    gateway = await crm()
    answer = await gateway.run(
        {"id": "all", "api": "crm.contacts.search"},
        {"id": "deals", "api": "crm.deals.list", "for_each": "all.data.results", "args": {"who": {"$item": "id"}, "whole": {"$item": ""}}},
        {"id": "second", "api": "crm.deals.list", "args": {"x": {"$ref": "deals.data[1].who"}}},
        return_="deals.data[].who",
    )
    assert answer["returned"] == ["con_1", "con_2"]
    assert answer["steps"]["deals"]["items"] == {"total": 2, "ok": 2}
    assert gateway.sent[-1] == ("crm.deals.list", {"x": "con_2"})
    # Elements run side by side: what comes first at the upstream is chance.
    assert [each["id"] for each in sorted((sent["whole"] for _, sent in gateway.sent[1:3]), key=str)] == ["con_1", "con_2"]


async def test_a_list_given_in_the_plan_itself_is_mapped_over() -> None:
    gateway = await crm()
    answer = await gateway.run({"id": "a", "api": "crm.deals.list", "for_each": ["x", "y"], "args": {"who": {"$item": ""}}})
    assert answer["returned"] == {"a": [{"who": "x"}, {"who": "y"}]}


async def test_independent_steps_run_side_by_side_and_never_more_than_allowed() -> None:
    """three-tools.md: independent steps run side by side, at most max_parallel; elements share that limit."""
    gateway = await crm()
    crowd = Crowd(4)
    gateway.runner.answers["crm.deals.list"] = crowd
    answer = await gateway.run(
        {"id": "a", "api": "crm.deals.list"},
        {"id": "b", "api": "crm.deals.list"},
        {"id": "c", "api": "crm.deals.list", "for_each": [1, 2, 3, 4, 5, 6]},
        max_parallel=4,
    )
    assert answer["status"] == "completed"
    assert (crowd.most, answer["stats"]["parallel"]) == (4, 4)


async def test_progress_is_told_step_by_step() -> None:
    """MCP progress: done of total, growing."""
    gateway = await crm()
    told: list[tuple[float, float | None, str | None]] = []

    async def listen(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    await gateway.outcome(
        {"id": "a", "api": "crm.contacts.search"}, {"id": "b", "api": "crm.deals.list", "depends_on": ["a"]}, progress=listen
    )
    assert [(done, total) for done, total, _ in told] == [(1, 2), (2, 2)]
    assert told[0][2] == "a: ok (1 of 2)"


async def test_a_large_answer_comes_under_a_handle() -> None:
    """three-tools.md: nothing is ever cut silently."""
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = answering([{"id": n, "text": "x" * 50} for n in range(1000)])
    answer = await gateway.run({"id": "all", "api": "crm.contacts.search"}, return_="all.data")
    assert answer["handle"].startswith("r_")
    assert "result.read" in answer["returned"]["read_on"]
    assert answer["returned"]["first"]
    assert answer["stats"]["bytes_in"] > 60_000
    assert answer["stats"]["chars_out"] < 17_000


async def test_a_step_may_select_and_the_next_reads_what_it_selected() -> None:
    gateway = await crm()
    answer = await gateway.run(
        {"id": "names", "api": "crm.contacts.search", "select": "results[].name"},
        {"id": "first", "api": "crm.deals.list", "args": {"name": {"$ref": "names.data[0]"}}},
    )
    assert answer["returned"] == {"names": ["Ada", "Grace"], "first": {"name": "Ada"}}


async def test_ids_with_dashes_and_objects_that_only_look_like_references_are_fine() -> None:
    gateway = await crm()
    answer = await gateway.run(
        {"id": "step-1", "api": "crm.contacts.search"},
        {
            "id": "2",
            "api": "crm.deals.list",
            "args": {"x": {"$ref": "step-1.data.total"}, "schema": {"$literal": {"$ref": "#/components/schemas/Deal"}}},
        },
    )
    assert answer["returned"]["2"] == {"x": 2, "schema": {"$ref": "#/components/schemas/Deal"}}


async def test_each_step_is_recorded_and_so_is_the_plan() -> None:
    """One row for each call, with the entry that the client called."""
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = failing()
    await gateway.run({"id": "a", "api": "crm.contacts.search"}, {"id": "b", "api": "crm.deals.list", "depends_on": ["a"]})
    rows = [(row.tool, row.operation, row.step, row.success) for row in gateway.records.records]
    assert rows == [
        ("batch_execute", "crm.contacts.search", "a", True),
        ("batch_execute", "crm.deals.list", "b", False),
        ("batch_execute", "batch_execute", "", True),
    ]


async def test_another_tenants_operation_is_unknown() -> None:
    """Tenant first: what a tenant does not see, its plans do not run."""
    foreign = operation("hr.people.list", tenant_id="other")
    gateway = await batches([foreign, replace(foreign, id="crm.deals.list", provider="crm", tenant_id=None)])
    answer = await gateway.run({"id": "a", "api": "hr.people.list"})
    assert answer["error"]["code"] == "invalid_plan"
    assert gateway.sent == []
