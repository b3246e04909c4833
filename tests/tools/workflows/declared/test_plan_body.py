"""A stored plan runs as batch_execute runs one, step by durable step, and goes on where it was."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import anyio
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.tools.stand_ins import operation
from tests.tools.workflows.declared.durable_stand_in import Died, Records, Refused, defined, ran
from tools.operation import Json
from tools.workflows.consent import agreed_to
from tools.workflows.errors import PermanentFault, StepFailed

SEARCH = {"id": "found", "api": "crm.search", "args": {"query": {"$ref": "input.name"}}}
FOUND = {"results": [{"id": "c1"}, {"id": "c2"}, {"id": "c3"}]}


def refuse(arguments: Mapping[str, Json]) -> Json:
    raise Refused(f"no {arguments.get('id', '')}")


async def test_steps_see_the_input_and_each_other() -> None:
    """`input` is one more name in the same expressions; `return` too."""
    plan = defined(
        SEARCH,
        {"id": "note", "api": "crm.note", "args": {"to": {"$ref": "found.data.results[0].id"}, "text": {"$ref": "input.body.text"}}},
        return_="{who: input.name, note: note.data}",
    )
    records = Records({"crm.search": lambda _: FOUND})
    assert await ran(plan, records, {"name": "Ada", "body": {"text": "hi"}}) == {"who": "Ada", "note": {"to": "c1", "text": "hi"}}
    assert [(name, arguments) for name, _api, arguments, _options in records.calls] == [
        ("found", {"query": "Ada"}),
        ("note", {"to": "c1", "text": "hi"}),
    ]


async def test_each_element_is_a_step_of_its_own() -> None:
    plan = defined(
        SEARCH, {"id": "mail", "api": "mail.send", "for_each": "found.data.results", "args": {"id": {"$item": "id"}}, "select": "id"}
    )
    records = Records({"crm.search": lambda _: FOUND, "mail.send": lambda given: given["id"]})
    result = await ran(plan, records, {"name": "x"})
    assert result == {"found": FOUND, "mail": ["c1", "c2", "c3"]}
    assert [name for name, *_ in records.calls] == ["found", "mail[0]", "mail[1]", "mail[2]"]
    assert records.calls[1][3].select == "id"


@pytest.mark.parametrize(("wants", "done"), [(True, ["ask", "yes"]), (False, ["ask"]), (None, ["ask"])])
async def test_a_condition_passes_steps_over(wants: bool | None, done: list[str]) -> None:
    """What needs a step that was passed over is passed over, too."""
    plan = defined(
        {"id": "ask", "api": "a", "args": {}},
        {"id": "yes", "api": "b", "if": "input.wants", "args": {}},
        {"id": "after", "api": "c", "if": "yes.ok && `false`", "args": {"x": {"$ref": "yes.data.x", "default": 1}}},
    )
    records = Records()
    await ran(plan, records, {"wants": wants})
    assert [name for name, *_ in records.calls] == done


async def test_a_failure_ends_the_run_unless_the_plan_goes_on() -> None:
    """`stop` is the rule: what waits is not begun, and the run says which step it was. `skip` drops, `continue` leaves a null."""
    last = {"id": "last", "api": "c", "args": {"ids": {"$ref": "mail.data"}}}
    for on_error, expected in (("skip", ["c1", "c3"]), ("continue", ["c1", None, "c3"])):
        mail = {"id": "mail", "api": "m", "for_each": "input.ids", "args": {"id": {"$item": ""}}, "on_error": on_error}
        records = Records({"m": lambda given: refuse(given) if given["id"] == "c2" else given["id"]})
        assert (await ran(defined(mail, last), records, {"ids": ["c1", "c2", "c3"]}))["last"] == {"ids": expected}
    mail = {"id": "mail", "api": "m", "for_each": "input.ids", "args": {"id": {"$item": ""}}}
    records = Records({"m": lambda given: refuse(given) if given["id"] == "c2" else given["id"]})
    with pytest.raises(StepFailed) as failed:
        await ran(defined(mail, last), records, {"ids": ["c1", "c2", "c3"]})
    assert (failed.value.step, failed.value.failure.message) == ("mail[1]", "no c2")
    assert "last" not in [name for name, *_ in records.calls]
    with pytest.raises(StepFailed) as again:
        await ran(defined(mail, last), records, {"ids": ["c1", "c2", "c3"]})
    assert again.value.step == "mail[1]"


async def test_what_failed_alone_may_be_passed_on_as_null() -> None:
    plan = defined(
        {"id": "one", "api": "m", "args": {}, "on_error": "continue"},
        {"id": "two", "api": "c", "args": {"x": {"$ref": "one.data.x"}}, "if": "one.error"},
        {"id": "three", "api": "m", "args": {}, "on_error": "skip"},
        {"id": "four", "api": "c", "args": {"x": {"$ref": "three.data.x", "default": 0}}},
    )
    records = Records({"m": refuse})
    assert await ran(plan, records) == {"one": None, "two": {"x": None}, "three": None}
    assert "four" not in records.done


async def test_independent_steps_run_side_by_side() -> None:
    """As many as `max_parallel` says, however they are written down."""
    under_way, most = 0, 0

    class Slow(Records):
        pass

    records = Slow()

    async def slowly(*given: Any, **more: Any) -> Json:
        nonlocal under_way, most
        under_way, most = under_way + 1, max(most, under_way + 1)
        await anyio.sleep(0.001)
        under_way -= 1
        return {}

    steps = [{"id": f"s{number}", "api": "x", "args": {}} for number in range(10)]
    run = records.begun()
    run.call = slowly  # type: ignore[method-assign]
    records.begun = lambda: run  # type: ignore[method-assign]
    await ran(defined(*steps, max_parallel=4), records)
    assert most == 4


async def test_it_sleeps_and_waits_for_signals() -> None:
    plan = defined(
        {"id": "pause", "api": "sleep", "args": {"seconds": {"$ref": "input.hours"}}},
        {"id": "yes", "api": "wait", "args": {"signal": "approved", "timeout_s": 60}, "depends_on": ["pause"]},
        {"id": "go", "api": "x", "args": {"by": {"$ref": "yes.data.by"}}, "if": "yes.data"},
    )
    records = Records(signals={"approved": {"by": "ada"}})
    assert (await ran(plan, records, {"hours": 2}))["go"] == {"by": "ada"}
    assert records.slept == [("pause", 2.0)]
    assert await ran(plan, Records(), {"hours": 2}) == {"pause": None, "yes": None}
    with pytest.raises(PermanentFault, match="no number of seconds"):
        await _raised(ran(plan, Records(), {"hours": "soon"}))


async def _raised(running: Any) -> None:
    try:
        await running
    except BaseExceptionGroup as group:
        raised: BaseException = group
        while isinstance(raised, BaseExceptionGroup):
            raised = raised.exceptions[0]
        raise raised from group


async def test_what_does_not_fit_the_input_ends_the_run() -> None:
    """An event comes as it comes: every fault is told, in the definition's own words."""
    schema = {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name"]}
    with pytest.raises(PermanentFault, match=r"input\.name is missing.*input\.age") as refused:
        await ran(defined(SEARCH, input=schema), Records(), {"age": "x"})
    assert len(refused.value.failure.faults) == 2


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"args": {"x": {"$ref": "input.nothing"}}}, "'input.nothing' found nothing"),
        ({"args": {}, "for_each": "input.name"}, "is not a list"),
        ({"args": {}, "for_each": "input.many"}, "limit of 500"),
        ({"args": {}, "if": "sum(input.name)"}, "cannot be worked out"),
    ],
)
async def test_a_reference_that_finds_nothing_fails_its_step(step: Mapping[str, Json], said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        await ran(defined({"id": "a", "api": "x", **step}), Records(), {"name": "Ada", "many": list(range(501))})


async def test_a_return_that_cannot_be_worked_out_ends_the_run() -> None:
    with pytest.raises(PermanentFault, match="return: "):
        await ran(defined(SEARCH, return_="sum(found.data.query)"), Records(), {"name": "Ada"})


async def test_what_was_agreed_to_says_so_and_nothing_else_does() -> None:
    plan = defined({"id": "drop", "api": "crm.delete", "args": {}}, {"id": "keep", "api": "crm.delete", "args": {}, "account": "work"})
    records = Records()
    await ran(plan, records, agreed={"drop": "digest"})
    assert {name: (options.confirm, options.account) for name, _api, _arguments, options in records.calls} == {
        "drop": (agreed_to("digest"), None),
        "keep": (None, "work"),
    }


async def test_a_number_goes_out_as_text_where_text_goes_out() -> None:
    """As in batch_execute: a path has no numbers."""
    takes = {"type": "object", "properties": {"id": {"type": "string"}}}
    api = replace(operation("crm.get", schema=takes), binding={"parameters": [{"argument": "id", "in": "path"}]})
    records = Records()
    plan = defined({"id": "a", "api": "crm.get", "args": {"id": {"$ref": "input.id"}}})
    await ran(plan, records, {"id": 7}, {"crm.get": api})
    assert records.calls[0][2] == {"id": "7"}


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[dict[str, Json]], dict[str, Json]]:
    """Draw a plan of up to eight steps that refer backwards, map, ask and fail in places."""
    steps: list[dict[str, Json]] = []
    for number in range(draw(st.integers(1, 8))):
        step: dict[str, Json] = {"id": f"s{number}", "api": draw(st.sampled_from(["even", "odd", "bad"])), "args": {"n": number}}
        step["on_error"] = draw(st.sampled_from(["skip", "continue"]))
        refers, asks, maps = (draw(st.integers(0, 1)) for _ in range(3))
        if steps and refers:
            step["args"]["from"] = {"$ref": f"s{draw(st.integers(0, number - 1))}.data", "default": None}
        if steps and asks:
            step["if"] = f"s{draw(st.integers(0, number - 1))}.ok"
        if maps:
            step["for_each"] = "input.list"
            step["args"]["item"] = {"$item": ""}
        steps.append(step)
    return steps, {"list": draw(st.lists(st.integers(0, 3), max_size=3))}


@drawn(plans(), st.integers(0, 12))
async def test_wherever_a_process_dies_the_next_ends_as_one_would_have(
    drawn_plan: tuple[list[dict[str, Json]], dict[str, Json]], dies_at: int
) -> None:
    """No step that is on record happens again, and the result is the same."""
    steps, given = drawn_plan
    answers = {"even": lambda given: {"even": given}, "odd": lambda given: [given], "bad": refuse}
    whole = Records(answers)
    expected = await ran(defined(*steps), whole, given)
    cut = Records(answers, dies_at=dies_at)
    for again in count():
        try:
            result = await ran(defined(*steps), cut, given)
            break
        except* Died:
            cut.dies_at = dies_at + again + 1
    assert result == expected
    assert sorted(name for name, *_ in cut.calls) == sorted(name for name, *_ in whole.calls)
    assert (cut.done, set(cut.failed)) == (whole.done, set(whole.failed))
