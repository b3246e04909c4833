"""Arguments of megabytes: what goes into URL and headers is bounded, and what goes into a body is written in full."""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from tests.tools.sources.http.api_world import ApiWorld
from tests.tools.sources.http.test_bodies import operation_of
from tests.tools.sources.http.test_written import operation_with, written
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.parameter_styles import MAX_DEEP_CHARS, UnfitArgument
from tools.sources.http.request_plan import MAX_PARAMETER_BYTES, RequestPlan

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
TEXTS = [{"name": name, "in": place, "schema": {}} for name, place in (("q", "query"), ("words", "header"), ("c", "cookie"))]


@pytest.mark.parametrize("name", ["q", "words", "c"])
@pytest.mark.parametrize("value", ["é" * 70_000, ["a"] * 20_000, {"n" * 70_000: 1}], ids=["text", "list", "object"])
def test_what_no_server_takes_in_url_and_headers_is_not_written(name: str, value: Any) -> None:
    """Percent-encoding it took a quarter of a second, and then the server said 414 or 431."""
    with pytest.raises(UnfitArgument, match="more than 64 KB, which no server takes") as refusal:
        written(operation_with(TEXTS), {"q": "short", name: value})
    assert refusal.value.argument == name


def test_parameters_count_together_and_the_longest_is_named() -> None:
    half = MAX_PARAMETER_BYTES // 2
    assert "a" * half in written(operation_with(TEXTS), {"q": "a" * half, "words": "b" * half}).url
    with pytest.raises(UnfitArgument) as refusal:
        written(operation_with(TEXTS), {"q": "a" * half, "words": "b" * (half + 1)})
    assert refusal.value.argument == "words"


@pytest.mark.parametrize(
    "value",
    [
        {"k" * 60_000: dict.fromkeys(map(str, range(500)), 1)},
        {"k" * 60_000: {str(number): {} for number in range(500)}},
        {"k" * 60_000: [[]] * 500},
    ],
    ids=["values", "nothing", "lists"],
)
def test_a_deep_object_is_not_written_out_without_end(value: dict[str, Any]) -> None:
    """Each value repeats the names of all that it is in: a megabyte of name over 20,000 values would be 20 GB."""
    deep = [{"name": "deep", "in": "query", "style": "deepObject", "schema": {"type": "object"}}]
    assert MAX_DEEP_CHARS < 60_000 * 500
    with pytest.raises(UnfitArgument, match="nest less, or shorten them") as refusal:
        written(operation_with(deep), {"deep": value})
    assert refusal.value.argument == "deep"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each request, whether it was written in the thread of the loop."""
    seen: list[bool] = []
    build: Callable[..., Any] = RequestPlan.build

    def noting(*given: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return build(*given)

    monkeypatch.setattr(RequestPlan, "build", noting)
    return seen


async def test_a_large_form_is_written_in_full_beside_the_loop(world: ApiWorld, threads: list[bool]) -> None:
    world.upstream.answer()
    node = {"requestBody": {"content": {FORM: {"schema": {"type": "object", "properties": {"a": {}, "b": {}}}}}}, "responses": {}}
    text = " é&=" * 50_000
    await world.run(world.operation(node, "post"), a=text, b=["x"] * 10_000)
    assert parse_qsl(world.upstream.got[0].body.decode()) == [("a", text), *[("b", "x")] * 10_000]
    assert threads == [False]


async def test_a_small_request_is_written_at_once(world: ApiWorld, threads: list[bool]) -> None:
    world.upstream.answer()
    node = {"requestBody": {"content": {JSON: {"schema": {"type": "object"}}}}, "responses": {}}
    await world.run(world.operation(node, "post"), a=["x"] * 100)
    assert threads == [True]


async def test_what_a_large_request_cannot_say_is_refused_as_ever(world: ApiWorld, threads: list[bool]) -> None:
    outcome = await world.run(world.operation({"parameters": TEXTS, "responses": {}}), q="é" * 70_000)
    assert outcome.error is not None
    assert (outcome.error.code, threads) == ("invalid_arguments", [False])
    assert not world.upstream.got


def test_numbers_of_a_large_body_are_what_its_schema_means() -> None:
    """All of as many as a client may send, where the schema is as wide as most."""
    schema = {"type": "object", "properties": {"counts": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"enum": ["a"]}]}}}}
    operation = operation_of({JSON: {"schema": schema}})
    built = RequestPlan(operation.binding, lambda: "", operation.input_schema).build({"counts": [5.0] * 45_000}, {}, NO_AUTH_PARAMETERS)
    assert built.body == orjson.dumps({"counts": [5] * 45_000})
