"""What fits nothing is told with what is there: a name in `select` or a reference that no object has."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.tools.stand_ins import answering, gateway, operation
from tools.catalog.lazy_json import LazyJson
from tools.operation import Json, Operation

INCIDENTS: list[Json] = [
    {"id": "P1", "title": "Disk full", "status": "triggered", "assignee": None},
    {"id": "P2", "title": "API slow", "status": "triggered", "assignee": {"id": "U1"}},
]
PAGE: dict[str, Json] = {"incidents": INCIDENTS, "limit": 25, "more": False}
LIST = operation("pagerduty.incidents.list")


async def selected(select: Json, data: Json = PAGE, listing: Operation = LIST) -> Any:
    house = await gateway([listing])
    house.runner.answers[listing.id] = answering(data)
    return house, await house.call("call_api", {"api": listing.id, "select": select})


@pytest.mark.parametrize(
    ("select", "note"),
    [
        (
            "incidents[].titel",
            "select: 'incidents[].titel' found nothing; incidents[] has id, title, status, assignee; did you mean 'title'?",
        ),
        ("incidents[].{id: id, name: titel}", "select: 'incidents[].titel' found nothing; incidents[] has id, title, status, assignee"),
        ("incidents[?titel=='x'].id", "select: 'incidents[].titel' found nothing; incidents[] has id, title"),
        ("incidents.title", "select: 'incidents.title' found nothing; incidents is a list; take one element with [0] or all with []"),
        (["id", "limit"], "select: 'id' found nothing; the answer has incidents, limit, more"),
        ("length(incidents[].titel)", "select: 'incidents[].titel' found nothing"),
        ("incidents[].assignee.name", "select: 'incidents[].assignee.name' found nothing; incidents[].assignee has id"),
        ("limit.value", "select: 'limit.value' found nothing; limit is a number"),
    ],
)
async def test_a_select_that_fits_nothing_is_told_with_what_is_there(select: Json, note: str) -> None:
    """agent.md F2: the answer was `ok` with null in it."""
    house, outcome = await selected(select)
    assert outcome.status == "ok"
    assert outcome.notes[0].startswith(note)
    kept = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle, "select": "incidents[].title"}})
    assert kept.data["data"] == ["Disk full", "API slow"]
    assert len(house.runner.calls) == 1


@pytest.mark.parametrize(
    ("select", "data"),
    [
        ("incidents[].title", PAGE),
        ("incidents[].assignee.id", PAGE),
        ("incidents[].{who: assignee}", PAGE),
        ("incidents[].title", {"incidents": []}),
        ("incidents[?title=='none'].id", PAGE),
        ("incidents[?resolved].id", PAGE),
        ("incidents[?resolved == `null`].id", PAGE),
        ("incidents[].{note: note || ''}", PAGE),
        ("incidents[].not_null(note, status)", PAGE),
        ("incidents[9].title", PAGE),
        ("incidents[].title", None),
    ],
)
async def test_what_is_empty_for_a_reason_needs_no_word(select: Json, data: Json) -> None:
    """A null that the answer holds is a value, an empty list says nothing of its elements, and `||` asks for what may be absent."""
    _, outcome = await selected(select, data)
    assert (outcome.status, outcome.notes, outcome.handle) == ("ok", (), None)


def described(operation_id: str, output: Json) -> Operation:
    made = operation(operation_id)
    return replace(made, output_schema=LazyJson(orjson.dumps(output)))


ROW = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "note": {"type": "string"}}}
OUTPUT = {"type": "object", "properties": {"incidents": {"type": "array", "items": ROW}, "limit": {"type": "integer"}}}


async def test_a_member_that_the_schema_lists_may_be_absent() -> None:
    """Optional members are left out of many answers."""
    _, outcome = await selected("incidents[].{id: id, note: note}", PAGE, described("pagerduty.incidents.list", OUTPUT))
    assert outcome.notes == ()
    assert outcome.data[0] == {"id": "P1", "note": None}


async def test_a_select_of_result_read_is_told_as_well() -> None:
    """The same slip on the way back to a kept answer."""
    house, outcome = await selected("incidents[].titel")
    read = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle, "select": "incidents[].ttle"}})
    assert read.notes[0].startswith("select: 'incidents[].ttle' found nothing; incidents[] has id, title")
