"""What fails in a plan: the upstream's own words, what is skipped, what goes on, and the limits that end it."""

import asyncio

import pytest

from tests.tools.plans.crm_batches import crm
from tests.tools.plans.plans import failing
from tests.tools.stand_ins import answering
from tools.operation import Call, Outcome


async def test_a_failure_stops_the_plan_and_keeps_the_upstreams_own_words() -> None:
    """three-tools.md: on_error stop is the default; a step that fails keeps its upstream error."""
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = failing()
    answer = await gateway.run(
        {"id": "ada", "api": "crm.contacts.search"},
        {"id": "deals", "api": "crm.deals.list", "args": {"who": {"$ref": "ada.data.results[0].id"}}},
        {"id": "after", "api": "crm.deals.list", "depends_on": ["ada"]},
    )
    assert answer["status"] == "failed"
    assert answer["steps"]["ada"]["error"]["upstream"] == {"status": 503, "body": {"detail": "down for repair"}}
    assert answer["steps"]["deals"]["state"] == answer["steps"]["after"]["state"] == "waiting"
    assert len(gateway.sent) == 1
    assert answer["resume"].startswith("x_")


async def test_on_error_skip_passes_over_what_depends_and_runs_the_rest() -> None:
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = failing()
    answer = await gateway.run(
        {"id": "ada", "api": "crm.contacts.search", "on_error": "skip"},
        {"id": "deals", "api": "crm.deals.list", "args": {"who": {"$ref": "ada.data.id"}}},
        {"id": "more", "api": "crm.deals.list", "args": {"who": {"$ref": "deals.data.id"}}},
        {"id": "other", "api": "crm.deals.list"},
    )
    assert answer["status"] == "partial"
    assert [answer["steps"][name].get("state", "ok") for name in ("ada", "deals", "more", "other")] == [
        "failed",
        "dropped",
        "dropped",
        "ok",
    ]


async def test_on_error_continue_goes_on_with_null_or_the_default() -> None:
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = failing()
    answer = await gateway.run(
        {"id": "ada", "api": "crm.contacts.search", "on_error": "continue"},
        {
            "id": "deals",
            "api": "crm.deals.list",
            "args": {"who": {"$ref": "ada.data.results[0].id"}, "stage": {"$ref": "ada.data.stage", "default": "open"}},
        },
        {"id": "rescue", "api": "crm.deals.list", "if": "!(ada.ok)", "args": {}},
    )
    assert answer["status"] == "partial"
    assert ("crm.deals.list", {"who": None, "stage": "open"}) in gateway.sent
    assert answer["steps"]["rescue"]["ok"]


async def test_a_step_whose_condition_does_not_hold_is_skipped_with_what_reads_it() -> None:
    """three-tools.md: `if`. What merely comes after it still runs."""
    gateway = await crm()
    answer = await gateway.run(
        {"id": "all", "api": "crm.contacts.search"},
        {"id": "many", "api": "crm.deals.list", "if": "all.data.total > `10`"},
        {"id": "reads", "api": "crm.deals.list", "args": {"x": {"$ref": "many.data.x"}}},
        {"id": "after", "api": "crm.deals.list", "depends_on": ["many"]},
        {"id": "few", "api": "crm.deals.list", "if": "all.data.total <= `10`"},
    )
    assert answer["status"] == "completed"
    assert {name for name, step in answer["steps"].items() if step.get("state") == "skipped"} == {"many", "reads"}
    assert answer["steps"]["many"]["reason"] == "`if` is not true: all.data.total > `10`"
    assert answer["steps"]["reads"]["reason"] == "'many' was skipped"
    assert "reason" not in answer["steps"]["few"]
    assert answer["steps"]["after"]["ok"]
    assert answer["steps"]["few"]["ok"]


async def test_a_reference_that_finds_nothing_says_how_far_it_came() -> None:
    gateway = await crm()
    answer = await gateway.run(
        {"id": "all", "api": "crm.contacts.search"},
        {"id": "a", "api": "crm.deals.list", "args": {"x": {"$ref": "all.data.results[7].id"}}, "on_error": "continue"},
        {"id": "b", "api": "crm.deals.list", "args": {"x": {"$ref": "all.data.results.id"}}, "on_error": "continue"},
        {"id": "c", "api": "crm.deals.list", "args": {"x": {"$ref": "all.data.resluts"}}, "on_error": "continue"},
    )
    assert "has 2 elements, so there is no [7]" in answer["steps"]["a"]["error"]["message"]
    assert "take one element with [0] or all with [*]" in answer["steps"]["b"]["error"]["message"]
    assert "it has results, total" in answer["steps"]["c"]["error"]["message"]


async def test_elements_that_fail_are_told_apart_from_those_that_came_through() -> None:
    """on_error of a mapped step is for its elements: skip leaves them out, continue keeps null in their place."""
    gateway = await crm()

    async def odd_fails(call: Call) -> Outcome:
        if call.arguments["n"] % 2:
            return await failing()(call)
        return Outcome("ok", data=call.arguments["n"])

    gateway.runner.answers["crm.deals.list"] = odd_fails
    steps = [
        {"id": policy, "api": "crm.deals.list", "for_each": [0, 1, 2, 3], "args": {"n": {"$item": ""}}, "on_error": policy}
        for policy in ("skip", "continue")
    ]
    answer = await gateway.run(*steps, {"id": "after", "api": "crm.contacts.search", "args": {"all": {"$ref": "skip.data"}}})
    assert answer["status"] == "partial"
    assert answer["returned"]["skip"] == [0, 2]
    assert answer["returned"]["continue"] == [0, None, 2, None]
    assert [each["index"] for each in answer["steps"]["skip"]["items"]["failed"]] == [1, 3]
    assert answer["steps"]["skip"]["items"]["failed"][0]["error"]["upstream"]["status"] == 503
    assert ("crm.contacts.search", {"all": [0, 2]}) in gateway.sent


async def test_a_plan_never_runs_longer_than_its_time() -> None:
    """Issue: never exceeds its time. What was under way says so, what never began as well."""
    gateway = await crm()

    async def for_ever(call: Call) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    gateway.runner.answers["crm.deals.list"] = for_ever
    answer = await gateway.run(
        {"id": "quick", "api": "crm.contacts.search"},
        {"id": "slow", "api": "crm.deals.list"},
        {"id": "after", "api": "crm.contacts.search", "depends_on": ["slow"]},
        timeout_s=2,
    )
    assert answer["status"] == "partial"
    assert answer["steps"]["slow"]["error"]["code"] == "timeout"
    assert answer["steps"]["after"]["state"] == "waiting"


async def test_fifty_steps_in_a_row_and_fifty_at_once_both_finish() -> None:
    """Issue: a plan of 50 steps with 16-way parallelism never deadlocks."""
    gateway = await crm()
    row = [{"id": "s0", "api": "crm.deals.list", "args": {"n": 0}}]
    row += [{"id": f"s{n}", "api": "crm.deals.list", "args": {"n": {"$ref": f"s{n - 1}.data.n"}}} for n in range(1, 50)]
    assert (await gateway.run(*row, max_parallel=1))["status"] == "completed"
    wide = [{"id": f"s{n}", "api": "crm.deals.list", "for_each": [1, 2, 3, 4, 5]} for n in range(50)]
    answer = await gateway.run(*wide, max_parallel=16)
    assert answer["status"] == "completed"
    assert answer["stats"] | {"parallel": 0} == answer["stats"] | {"calls": 250, "parallel": 0}


async def test_a_list_beyond_the_call_budget_is_refused_before_its_first_call() -> None:
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = answering(list(range(501)))
    answer = await gateway.run(
        {"id": "all", "api": "crm.contacts.search"},
        {"id": "each", "api": "crm.deals.list", "for_each": "all.data"},
    )
    assert answer["steps"]["each"]["error"]["code"] == "call_budget"
    assert len(gateway.sent) == 1


async def test_an_expression_cannot_make_gigabytes_of_a_few_bytes() -> None:
    gateway = await crm()
    answer = await gateway.run({"id": "a", "api": "crm.contacts.search"}, return_="a.data" + " | [@, @]" * 60)
    assert "too many times over" in answer["return_error"]


async def test_the_answers_of_a_plan_have_a_budget_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue: budget in calls and bytes; later steps may need all answers, so all of them are held."""
    monkeypatch.setattr("tools.plans.run.MAX_BYTES", 10_000)
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = answering({"note": "x" * 4_000})
    answer = await gateway.run({"id": "deals", "api": "crm.deals.list", "for_each": list(range(9)), "on_error": "continue"}, max_parallel=1)
    assert answer["steps"]["deals"]["items"]["ok"] == 3
    assert {each["error"]["code"] for each in answer["steps"]["deals"]["items"]["failed"]} == {"byte_budget"}
    assert len(gateway.sent) == 3


async def test_one_answer_in_very_many_places_is_not_multiplied_into_gigabytes() -> None:
    """A thousand references to one answer of a few megabytes: held once, but sent a thousand times."""
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = answering({"results": ["x" * 1_000_000]})
    places = [{"$ref": "find.data.results[0]"} for _ in range(900)]
    answer = await gateway.run(
        {"id": "find", "api": "crm.contacts.search"}, {"id": "deals", "api": "crm.deals.list", "args": {"contact_id": places}}
    )
    assert answer["steps"]["deals"]["error"]["code"] == "invalid_reference"
    assert "4 MB are the limit" in answer["steps"]["deals"]["error"]["message"]
    assert [api for api, _ in gateway.sent] == ["crm.contacts.search"]
