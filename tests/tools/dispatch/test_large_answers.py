"""An answer of too many values never becomes objects in this process, and its caller notices nothing of that."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.plans.plans import Batches, answering_with, batches
from tests.tools.stand_ins import ADA, CLIENT, gateway, operation
from tools.child_processes.child import Child
from tools.dispatch.large_answers import select_from, window_of
from tools.dispatch.outcome_codec import decode_outcome, encode_outcome
from tools.errors import TooLarge
from tools.heavy_json.weight import MAX_WEIGHT, is_heavy, values_in_text, weight
from tools.heavy_json.worker import WORKERS, JsonWorkers
from tools.json_text import encode
from tools.large_json import LargeJson
from tools.operation import Call, Outcome, Paging

ROWS = 50_000
DATA = {"results": [{"id": number, "name": f"name {number}"} for number in range(ROWS)], "next": "c2", "total": 70_000}
TEXT = encode(DATA)
LARGE = Outcome("ok", data=LargeJson(TEXT))
LAST = "all.data.results[49999].name"
PAGED = Paging("cursor", argument="after", next_path="next", items_path="results")


@pytest.fixture(autouse=True)
def few_objects() -> Iterator[None]:
    """Fail where a test leaves what a large answer would be as objects."""
    before = len(gc.get_objects())
    yield
    assert len(gc.get_objects()) - before < ROWS


def test_weight_is_told_by_the_text() -> None:
    """What is short is not even counted."""
    assert not is_heavy(b"[" * MAX_WEIGHT)
    assert is_heavy(b"[" + b"{}," * MAX_WEIGHT + b"{}]")
    assert is_heavy(b'"' + b"a" * 40 * MAX_WEIGHT + b'"')
    assert not is_heavy(orjson.dumps({"text": "word " * 200_000}))
    assert weight(b'{"a":[1,2]}') == 3


TEXTS = st.text(alphabet='ab",:[{\\', max_size=8)


@given(st.recursive(st.none() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30))
def test_values_are_counted_outside_of_strings(value: Any) -> None:
    """A text with commas is one value."""
    text = orjson.dumps(value)

    def commas_and_brackets(part: Any) -> int:
        if isinstance(part, dict):
            return max(len(part), 1) + sum(map(commas_and_brackets, part.values()))
        if isinstance(part, list):
            return max(len(part), 1) + sum(map(commas_and_brackets, part))
        return 0

    wanted = commas_and_brackets(value)
    assert values_in_text(text, wanted) == wanted


async def test_a_large_answer_is_kept_and_shown_by_its_first_rows() -> None:
    """call_api: outline, first rows, a handle; result.read takes parts of it."""
    house = await gateway([operation("crm.a.list")])
    house.runner.answers["crm.a.list"] = answering_with(LARGE)
    shown = await house.dispatcher.call(ADA, "call_api", {"api": "crm.a.list", "args": {}}, client=CLIENT)
    assert shown.data["outline"] == f"{{results: [{ROWS} × {{id: int, name: str}}], next: str, total: int}}"
    assert shown.data["first"]["results"][0] == {"id": 0, "name": "name 0"}
    assert shown.size is not None
    assert shown.size.total_bytes == len(TEXT)


async def test_a_selection_of_a_large_answer_is_small() -> None:
    """`select` is worked out where the objects are."""
    house = await gateway([operation("crm.a.list")])
    house.runner.answers["crm.a.list"] = answering_with(LARGE)
    given = {"api": "crm.a.list", "args": {}, "select": "results[?id==`49999`].name | [0]"}
    assert (await house.dispatcher.call(ADA, "call_api", given, client=CLIENT)).data == "name 49999"
    broken = await house.dispatcher.call(ADA, "call_api", {**given, "select": "abs(results)"}, client=CLIENT)
    assert broken.error is not None
    assert broken.error.code == "invalid_select"
    assert broken.handle is not None


async def test_a_part_of_a_large_answer_is_read_by_offset() -> None:
    """result.read over what the store kept."""
    found = await WORKERS.work(window_of, LargeJson(encode(DATA["results"])), 49_998, 5, 100, 100, None)
    assert found.facts == {"total": ROWS, "shown": 2}
    assert [row["id"] for row in found.value] == [49_998, 49_999]


async def test_pages_go_on_behind_a_large_one() -> None:
    """The cursor stands beside the items."""
    house = await gateway([operation("crm.a.list", paging=PAGED)])
    house.runner.answers["crm.a.list"] = answering_with(LARGE)
    one = await house.dispatcher.call(ADA, "call_api", {"api": "crm.a.list", "args": {}}, client=CLIENT)
    assert one.page is not None
    assert (one.page.items, one.page.has_more, one.page.next_cursor) == (ROWS, True, "c2")


async def test_pages_that_are_too_heavy_together_are_one_large_answer() -> None:
    """Two hundred bearable pages are not bearable as objects."""
    pages = iter(range(10_000))

    async def page(_: Call) -> Outcome:
        number = next(pages)
        return Outcome("ok", data={"results": [[number, row] for row in range(1_000)], "next": f"c{number + 1}"})

    house = await gateway([operation("crm.a.list", paging=PAGED)])
    house.runner.answers["crm.a.list"] = page
    given = {"api": "crm.a.list", "args": {}, "page": {"mode": "all"}, "select": "[length(results), results[9999]]"}
    found = await house.dispatcher.call(ADA, "call_api", given, client=CLIENT)
    assert found.data == [10_000, [9, 999]]


async def test_a_plan_reads_a_large_answer_by_reference() -> None:
    """Places, `for_each`, `if` and `return` are worked out by the worker; what they find is small."""
    house = await _plan_house()
    answer = await house.run(
        {"id": "all", "api": "crm.a.list", "args": {}},
        {
            "id": "one",
            "api": "crm.b.get",
            "args": {"name": {"$ref": "all.data.results[49999].name"}},
            "if": "length(all.data.results) > `10`",
        },
        {"id": "some", "api": "crm.b.get", "for_each": "all.data.results[:3]", "args": {"name": {"$item": "name"}}},
        return_="{n: length(all.data.results), one: one.data.name, some: some.data[].name}",
    )
    assert answer["returned"] == {"n": ROWS, "one": "name 49999", "some": ["name 0", "name 1", "name 2"]}


async def test_what_is_too_large_to_be_passed_on_says_what_to_do() -> None:
    """The step that needs it fails; nothing gets lost silently."""
    house = await _plan_house()
    answer = await house.run(
        {"id": "all", "api": "crm.a.list", "args": {}},
        {"id": "one", "api": "crm.b.get", "args": {"name": {"$ref": "all.data.results"}}},
    )
    assert "select" in answer["steps"]["one"]["error"]["message"]
    assert answer["handle"]


def test_a_record_keeps_a_large_answer_as_text() -> None:
    """An idempotency record is read back without objects."""
    small = Outcome("ok", data=LargeJson(b"[" + b"1," * 200_000 + b"1]"))
    again, _ = decode_outcome(encode_outcome(small, 0.0))
    assert again.data == small.data
    left_out, _ = decode_outcome(encode_outcome(LARGE, 0.0))
    assert left_out.note is not None


async def test_a_child_that_takes_too_long_is_ended_and_the_next_one_works() -> None:
    """Killed at its deadline."""
    workers = JsonWorkers()
    now = asyncio.get_running_loop().time()
    with pytest.raises(TooLarge, match="too long"):
        await workers.work(time.sleep, 600, deadline=now + 2)
    assert await workers.work(len, LargeJson(b"[1,2,3]")) == 3
    workers.close()


async def test_a_child_has_none_of_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets come in variables; a child that reads foreign JSON needs none."""
    monkeypatch.setenv("ASCEND_SECRET_KEY", "hush")
    workers = JsonWorkers()
    assert await workers.work(os.getenv, "ASCEND_SECRET_KEY", "nothing") == "nothing"
    assert await workers.work(os.getenv, "LANG") == "C.UTF-8"
    workers.close()


async def test_a_child_that_dies_is_an_error_of_one_call() -> None:
    """Another one takes its place."""
    workers = JsonWorkers()
    with pytest.raises(TooLarge):
        await workers.work(os._exit, 1)
    assert await workers.work(abs, -7) == 7
    workers.close()


async def test_selecting_takes_either_form() -> None:
    """One function for what is small and what is large."""
    loop = asyncio.get_running_loop()
    for data in ({"a": [1, 2]}, LargeJson(b'{"a":[1,2]}')):
        assert await select_from("a[1]", data, loop.time() + 20, ADA.person) == 2


async def _plan_house() -> Batches:
    house = await batches([operation("crm.a.list"), operation("crm.b.get")])
    house.runner.answers["crm.a.list"] = answering_with(LARGE)
    return house


async def test_a_child_that_is_killed_goes_while_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving back its memory takes the system a while; the loop does not wait for it."""
    buried, is_over = list[str](), threading.Event()
    bury = Child.bury

    def noted(child: Child) -> None:
        buried.append(threading.current_thread().name)
        bury(child)
        is_over.set()

    monkeypatch.setattr(Child, "bury", noted)
    workers = JsonWorkers()
    with pytest.raises(TooLarge):
        await workers.work(time.sleep, 60, deadline=asyncio.get_running_loop().time() + 1)
    assert await asyncio.to_thread(is_over.wait, 10)
    assert buried == ["child-end"]
    workers.close()
