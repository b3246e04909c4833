"""`select` within limits: what it may ask, and what it may make of an answer."""

import asyncio
import gc
import tracemalloc

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.stand_ins import ADA, CLIENT, answering, gateway, operation
from tools.dispatch.large_answers import select_from
from tools.expressions.budget import Budget
from tools.expressions.selection import MAX_EXPRESSION_CHARS, SelectFault, compile_select, growth_of, selected
from tools.heavy_json.time_budget import MAX_S
from tools.json_text import encode

ROWS = [{"id": number, "name": f"n{number}", "tags": ["a", "b"]} for number in range(50)]
DATA = {"results": ROWS, "total": 50}
BOMBS = [
    "[@,@]" + "|[@,@]" * 40,
    "{a:@,b:@}" + "|{a:@,b:@}" * 40,
    "join('',[to_string(@),to_string(@)])" + "|join('',[@,@])" * 40,
    "[results,results]" + "|[@,@,@]" * 30,
    "map(&[@,@,@,@],results)" + "|map(&[@,@,@,@],@)" * 20,
]


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
def test_an_expression_that_doubles_its_input_at_every_step_is_refused(bomb: str) -> None:
    """A few hundred characters must not make gigabytes."""
    with pytest.raises(SelectFault, match="too many times"):
        selected(bomb, DATA, Budget(MAX_S))


@pytest.mark.parametrize("odd", ["", "results[?", "[" * 3_000, "x" * (MAX_EXPRESSION_CHARS + 1), "sum(results)", "nope(@)"])
def test_what_is_no_usable_jmespath_is_a_fault_and_no_crash(odd: str) -> None:
    """Bad input is normal input."""
    with pytest.raises(SelectFault) as caught:
        selected(odd, DATA, Budget(MAX_S))
    assert caught.value.failure.code == "invalid_select"


@pytest.mark.parametrize(
    "expression",
    [
        "results[].{id: id, name: name, tags: tags}",
        "{count: total, ids: results[].id, names: results[].name}",
        "results[?contains(tags, 'a')] | [0:5].name",
        "sort_by(results, &name)[-1].{id: id, first: tags[0]}",
        "results[*].[id, name || 'nobody']",
    ],
)
def test_an_ordinary_selection_is_allowed_on_large_answers(expression: str) -> None:
    """The bound is loose, but not so loose that it would refuse what people write."""
    compile_select(expression)
    large = {"results": ROWS * 200, "total": 1}
    assert selected(expression, large, Budget(MAX_S)) == jmespath.search(expression, large)


_PART = st.sampled_from(["@", "a", "b", "results", "[0]", "[*]", "[]", "[@,a]", "{x:@,y:a}", "[a,b]", "length(@)", "to_string(@)", "`7`"])


@examples(150)
@given(parts=st.lists(_PART, min_size=1, max_size=6))
def test_the_bound_on_growth_holds(parts: list[str]) -> None:
    """Whatever is chained: what comes out is no larger than the bound says, give or take the names that it adds."""
    expression = " | ".join(parts)
    data = {"a": [{"a": 1, "b": "xy"}] * 3, "b": {"a": "text"}, "results": [1, 2, 3]}
    try:
        compiled = jmespath.compile(expression)
        taken = selected(expression, data, Budget(MAX_S))
    except SelectFault:
        return
    names = 12 * len(expression)
    assert len(encode(taken)) <= (growth_of(compiled.parsed) + 1) * (len(encode(data)) + names)


async def test_a_selection_over_a_long_list_lets_others_go_on() -> None:
    """It runs beside the event loop, not on it."""
    listed = operation("crm.contacts.list")
    house = await gateway([listed])
    house.runner.answers[listed.id] = answering({"results": ROWS * 400})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    outcome = await house.call("call_api", {"api": listed.id, "select": "length(results[?contains(tags, 'a')].{id: id, name: name})"})
    ticking.cancel()
    assert outcome.data == 20_000
    assert ticks > 10


MANY = {"results": [{"id": number, "tags": list(range(20))} for number in range(20_000)]}
SLOW = [
    "results" + "|[?id != `-1`]" * 90,
    "results" + "|[?tags[?@ > `5`]]" * 60,
    "results[].tags[]" + "|reverse(sort(@))" * 90,
    "results" + "|[*].{id:id,tags:tags}" * 60,
    "results[].tags[]" + "|[::-1]" * 120,
]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the time shows the same."""
    monkeypatch.setattr("tools.heavy_json.time_budget.MAX_S", 0.3)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("bomb", SLOW, ids=range(len(SLOW)))
async def test_an_expression_that_computes_for_ever_ends_and_holds_nobody_up(bomb: str) -> None:
    """It makes nothing large, and would still take minutes of a processor."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.005)

    others_task = asyncio.create_task(others())
    async with asyncio.timeout(60):
        with pytest.raises(SelectFault, match="takes too long"):
            await select_from(bomb, MANY)
    others_task.cancel()
    assert turns > 1


async def test_a_selection_ends_with_the_time_of_its_call() -> None:
    """The line before it may be long."""
    with pytest.raises(SelectFault, match="takes too long"):
        await select_from(SLOW[0], MANY, asyncio.get_running_loop().time() + 0.05)


@pytest.mark.usefixtures("brief")
async def test_an_answer_whose_selection_takes_too_long_is_kept() -> None:
    """The operation ran; its answer is there by handle, for a selection that asks less."""
    house = await gateway([operation("crm.rows.list")])
    house.runner.answers["crm.rows.list"] = answering(MANY)
    async with asyncio.timeout(60):
        outcome = await house.dispatcher.call(ADA, "call_api", {"api": "crm.rows.list", "select": SLOW[0]}, client=CLIENT)
    assert outcome.error is not None
    assert outcome.error.code == "invalid_select"
    assert outcome.handle is not None
    assert (await house.call("result.read", {"handle": outcome.handle, "select": "results[0].id"})).data["data"] == 0


def test_what_is_kept_of_parsed_expressions_is_weighed() -> None:
    """An expression of 3.8 kB takes a megabyte, parsed; the library's own cache, of 128, counts, too."""
    gc.collect()
    tracemalloc.start()
    for number in range(24):
        compile_select(f"a{number}" + ".b" * 1_900)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 16 * 1024 * 1024
