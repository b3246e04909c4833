"""A plan whose references fit nothing says so, before anything is sent wherever that can be known."""

from dataclasses import replace
from typing import Any

import orjson

from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import answering, operation
from tools.catalog.lazy_json import LazyJson
from tools.operation import Json, Operation

INCIDENTS = [{"id": "P1", "title": "Disk full"}, {"id": "P2", "title": "API slow"}, {"id": "P3", "title": "Queue stuck"}]
MESSAGE = {
    "type": "object",
    "properties": {"channel_id": {"type": "string", "pattern": "^[0-9]+$"}, "content": {"type": ["string", "null"]}},
    "required": ["channel_id"],
    "additionalProperties": False,
}
ROW = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "note": {"type": "string"}}}
OUTPUT = {"type": "object", "properties": {"incidents": {"type": "array", "items": ROW}, "limit": {"type": "integer"}}}
POST = operation("discord.channels.messages.create", "write", schema=MESSAGE)
BAN = operation("discord.guilds.bans.ban", "destructive", schema=MESSAGE)


def listing(output: Json = None) -> Operation:
    made = operation("pagerduty.incidents.list")
    kept = None if output is None else LazyJson(orjson.dumps(output))
    return replace(made, output_schema=kept)


async def house_with(output: Json = None) -> Batches:
    house = await batches([listing(output), POST, BAN])
    house.runner.answers["pagerduty.incidents.list"] = answering({"incidents": INCIDENTS, "limit": 25})
    return house


def post(content: Json, **more: Json) -> dict[str, Json]:
    return {"id": "post", "api": POST.id, "args": {"channel_id": "1", "content": content}, **more}


def read(**more: Json) -> dict[str, Json]:
    return {"id": "inc", "api": "pagerduty.incidents.list", **more}


async def test_a_select_that_fits_nothing_fails_its_step_and_nothing_is_written() -> None:
    """agent.md F2: three messages of nothing were sent, and the plan was completed."""
    house = await house_with()
    answer = await house.run(read(select="incidents[].{id: id, title: titel}"), post({"$item": "title"}, for_each="inc.data"))
    error = answer["steps"]["inc"]["error"]
    assert error["message"] == "select: 'incidents[].titel' found nothing; incidents[] has id, title; did you mean 'title'?"
    assert "asked for with ||" in error["hint"]
    assert answer["status"] == "failed"
    assert [api for api, _ in house.sent] == ["pagerduty.incidents.list"]
    kept = await house.run({"id": "kept", "api": "result.read", "args": {"handle": answer["steps"]["inc"]["handle"]}})
    assert kept["returned"]["kept"]["data"]["limit"] == 25


async def test_a_select_that_the_schema_rules_out_is_refused_before_anything_runs() -> None:
    """What the document knows nobody has to try."""
    house = await house_with(OUTPUT)
    answer = await house.run(read(select="incidents[].{id: id, title: titel}"), post({"$item": "title"}, for_each="inc.data"))
    fault = answer["error"]["faults"][0]
    assert fault["message"] == "select: 'incidents[].titel' found nothing; incidents[] has id, title, note; did you mean 'title'?"
    assert (fault["path"], fault["did_you_mean"]) == ("select", ["title"])
    assert house.sent == []


async def test_a_reference_that_projects_nothing_is_refused_where_the_schema_knows() -> None:
    """`[]` was sent for it."""
    house = await house_with(OUTPUT)
    answer = await house.run(read(), post({"$ref": "join(', ', inc.data.incidents[].titel)"}))
    assert "'inc.data.incidents[].titel' found nothing; inc.data.incidents[] has id, title" in answer["error"]["message"]
    assert house.sent == []


async def test_a_reference_that_projects_nothing_fails_its_step_where_only_the_answer_knows() -> None:
    """Nothing of that step is sent."""
    house = await house_with()
    answer = await house.run(read(), post({"$ref": "join(', ', inc.data.incidents[].titel)"}))
    assert "'inc.data.incidents[].titel' found nothing; inc.data.incidents[] has id, title" in answer["steps"]["post"]["error"]["message"]
    assert [api for api, _ in house.sent] == ["pagerduty.incidents.list"]


async def test_an_item_path_that_no_element_has_sends_nothing() -> None:
    """Each element says what it has."""
    house = await house_with()
    answer = await house.run(read(select="incidents"), post({"$item": "titel"}, for_each="inc.data", on_error="continue"))
    failed = answer["steps"]["post"]["items"]["failed"]
    assert [each["index"] for each in failed] == [0, 1, 2]
    assert failed[0]["error"]["message"] == "'titel' found nothing: the element has no 'titel'; it has id, title"
    assert [api for api, _ in house.sent] == ["pagerduty.incidents.list"]


async def test_what_the_schema_lists_may_be_absent_and_what_is_asked_with_bars_too() -> None:
    """A null of an optional member is a value like another."""
    house = await house_with(OUTPUT)
    plan: list[dict[str, Any]] = [read(select="incidents[].{id: id, note: note}"), post({"$item": "note"}, for_each="inc.data")]
    answer = await house.run(*plan)
    assert (answer["status"], answer["steps"]["post"]["items"]["ok"]) == ("completed", 3)
    notes = await house.run(read(), post({"$ref": "join(', ', inc.data.incidents[].note)"}))
    assert notes["status"] == "completed"
    unknown = await house_with()
    asked = await unknown.run(read(select="incidents[].{id: id, note: note || ''}"), post({"$item": "note"}, for_each="inc.data"))
    assert asked["status"] == "completed"


async def test_a_return_that_fits_nothing_is_told() -> None:
    """The plan ran; what was asked of it is not there."""
    house = await house_with()
    answer = await house.run(read(), return_="inc.data.incidents[].titel")
    assert answer["returned"] == []
    assert answer["notes"] == [
        "return: 'inc.data.incidents[].titel' found nothing; inc.data.incidents[] has id, title; did you mean 'title'?"
    ]
    assert "notes" not in await house.run(read(), return_="inc.data.incidents[].title")


async def test_a_step_says_what_was_made_of_its_arguments() -> None:
    """Served in a plan as in a call of its own, with the yes for what is sent."""
    house = await house_with()
    plan = {"id": "ban", "api": BAN.id, "args": {"channel_id": 99, "content": "bye"}}
    asked = await house.run(plan)
    assert asked["status"] == "needs_confirmation"
    done = await house.run(plan, confirm=asked["confirmation"]["confirm"])
    assert done["status"] == "completed"
    assert done["steps"]["ban"]["notes"] == ["arguments.channel_id: 99 was taken as the text '99', which it wants"]
    assert house.sent == [(BAN.id, {"channel_id": "99", "content": "bye"})]
