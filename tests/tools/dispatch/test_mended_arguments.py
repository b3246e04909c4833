"""Arguments that are nearly right are served and told; what no schema describes is told as well, and refused where it is closed."""

from typing import Any

import pytest

from tests.tools.stand_ins import gateway, operation
from tools.operation import Access, Json, Outcome

#: the shapes of PagerDuty's, Discord's, Asana's, Netlify's and SendGrid's documents
SNOWFLAKE = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
ONCALLS = {
    "type": "object",
    "properties": {
        "include[]": {"enum": ["escalation_policies", "users", "schedules"], "type": "string"},
        "sort_by": {"type": "array", "items": {"type": "string"}},
        "statuses[]": {"anyOf": [{"type": "array", "items": {"enum": ["triggered", "acknowledged"]}}, {"type": "null"}]},
    },
    "additionalProperties": False,
}
MESSAGE = {
    "type": "object",
    "properties": {"channel_id": SNOWFLAKE, "message_id": SNOWFLAKE, "content": {"type": ["string", "null"]}},
    "required": ["channel_id"],
    "additionalProperties": False,
}
TASK = {
    "type": "object",
    "properties": {"opt_pretty": {"type": "boolean"}, "opt_fields": {"type": "array"}, "data": {"$ref": "#/$defs/TaskRequest"}},
    "additionalProperties": False,
    "$defs": {
        "TaskBase": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "due_on": {"type": "string"}, "custom_fields": {"type": "object"}},
        },
        "TaskRequest": {
            "allOf": [
                {"$ref": "#/$defs/TaskBase"},
                {"type": "object", "properties": {"projects": {"type": "array"}, "assignee": {"type": "string"}}},
            ]
        },
    },
}
VARIABLE = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "scopes": {"type": "array"},
        "values": {
            "type": "array",
            "items": {"type": "object", "properties": {"value": {"type": "string"}, "context": {"type": "string"}}},
        },
    },
}
VARIABLES = {"type": "object", "properties": {"body": {"type": "array", "items": VARIABLE}}, "additionalProperties": False}
MAIL = {
    "type": "object",
    "properties": {
        "content": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}, "value": {"type": "string"}}}}
    },
    "additionalProperties": False,
}


async def sent(schema: Json, arguments: Json, access: Access = "read") -> tuple[list[Json], Outcome]:
    api = operation("acme.things.run", access, schema=schema)
    house = await gateway([api])
    outcome = await house.call("call_api", {"api": api.id, "args": arguments})
    return [dict(call.arguments) for call in house.runner.calls], outcome


@pytest.mark.parametrize(
    ("schema", "given", "wanted", "note"),
    [
        (ONCALLS, {"include[]": ["users"]}, {"include[]": "users"}, "arguments.include[]: the only element of the list was taken, 'users'"),
        (
            ONCALLS,
            {"sort_by": "created_at:desc"},
            {"sort_by": ["created_at:desc"]},
            "arguments.sort_by: 'created_at:desc' was taken as a list of one",
        ),
        (
            ONCALLS,
            {"statuses[]": "triggered"},
            {"statuses[]": ["triggered"]},
            "arguments.statuses[]: 'triggered' was taken as a list of one",
        ),
        (MESSAGE, {"channel_id": 99}, {"channel_id": "99"}, "arguments.channel_id: 99 was taken as the text '99'"),
        (
            MAIL,
            {"content": {"type": "text/plain"}},
            {"content": [{"type": "text/plain"}]},
            'arguments.content: {"type":"text/plain"} was taken',
        ),
    ],
)
async def test_what_has_one_meaning_is_served_and_told(schema: Json, given: Json, wanted: Json, note: str) -> None:
    """agent.md F8: all of these were refused."""
    calls, outcome = await sent(schema, given)
    assert (outcome.status, calls) == ("ok", [wanted])
    assert len(outcome.notes) == 1
    assert outcome.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("schema", "given", "message"),
    [
        (ONCALLS, {"include[]": ["users", "schedules"]}, 'arguments.include[]: ["users","schedules"] is not'),
        (ONCALLS, {"include[]": ["persons"]}, 'arguments.include[]: ["persons"] is not'),
        (ONCALLS, {"sort_by": "created_at:desc,id"}, "arguments.sort_by: 'created_at:desc,id' is not of type array"),
        (MESSAGE, {"channel_id": -1}, "arguments.channel_id: -1 is not of type string"),
        (MESSAGE, {"channel_id": "99", "content": 5}, "arguments.content: 5 is not of type null or string"),
        (MAIL, {"content": "hi"}, "arguments.content: 'hi' is not of type array"),
        (TASK, {"name": "x"}, "arguments.name is not an argument; it belongs in arguments.data"),
    ],
)
async def test_what_has_more_than_one_meaning_is_refused_in_words(schema: Json, given: Json, message: str) -> None:
    """A list is shown as JSON, and a member of the body is sent to its place."""
    calls, outcome = await sent(schema, given)
    assert calls == []
    assert outcome.error is not None
    assert outcome.error.message.startswith(message)


async def test_what_cannot_be_undone_gets_digits_as_text_and_no_lists_made_up() -> None:
    """A list of one may be shorter than what was meant."""
    _, outcome = await sent(MESSAGE, {"channel_id": 99, "message_id": "5"}, "destructive")
    assert outcome.status == "needs_confirmation"
    for given in ({"include[]": ["users"]}, {"sort_by": "id"}):
        calls, outcome = await sent(ONCALLS, given, "destructive")
        assert (outcome.status, calls) == ("error", [])


async def test_an_example_satisfies_the_pattern_of_its_argument() -> None:
    """`"example": "text"` was refused by the argument's own pattern."""
    _, outcome = await sent(MESSAGE, {"channel_id": "general"})
    assert outcome.error is not None
    assert (outcome.error.faults[0]["example"], outcome.error.hint) == ("1", "channel_id: str")
    _, outcome = await sent(ONCALLS, {"sort_by": 5.5, "statuses[]": {"a": 1, "b": 2}})
    assert outcome.error is not None
    assert [fault["example"] for fault in outcome.error.faults] == [["text"], ["triggered"]]


@pytest.mark.parametrize(
    ("schema", "given", "notes"),
    [
        (
            TASK,
            {"data": {"name": "x", "project": "55", "due": "Friday"}},
            [
                "arguments.data.project is not in the description of acme.things.run and goes out as it is; did you mean 'projects'?",
                "arguments.data.due is not in the description of acme.things.run and goes out as it is; did you mean 'due_on'?",
            ],
        ),
        (
            VARIABLES,
            {"body": [{"key": "API_URL", "value": "x", "context": "production"}]},
            [
                "arguments.body[0].value is not in the description of acme.things.run and goes out as it is; did you mean 'values'?",
                "arguments.body[0].context is not in the description of acme.things.run and goes out as it is;"
                " it belongs in arguments.body[0].values",
            ],
        ),
        (TASK, {"data": {"name": "x", "custom_fields": {"4711": "high"}}}, []),
        (VARIABLES, {"body": [{"key": "API_URL", "values": [{"value": "x", "context": "all"}]}]}, []),
    ],
)
async def test_a_member_that_no_schema_describes_does_not_pass_without_a_word(schema: Json, given: Json, notes: list[str]) -> None:
    """agent.md F3: a task in no project, a variable without a value, and `ok`."""
    calls, outcome = await sent(schema, given, "write")
    assert (outcome.status, calls) == ("ok", [given])
    assert list(outcome.notes) == notes


async def test_a_closed_schema_refuses_what_it_does_not_describe_at_every_depth() -> None:
    """`additionalProperties: false` below the first level."""
    closed = {"type": "object", "properties": {"data": {"type": "object", "properties": {"name": {}}, "additionalProperties": False}}}
    calls, outcome = await sent(closed, {"data": {"nme": "x"}}, "write")
    assert calls == []
    assert outcome.error is not None
    assert outcome.error.message == "arguments.data.nme is not an argument; did you mean 'name'?"


@pytest.mark.parametrize("more", [True, {"type": "string"}, {}])
async def test_a_schema_that_opens_itself_takes_any_member(more: Json) -> None:
    """Metadata, custom fields, variables: named by whoever sends them."""
    opened = {"type": "object", "properties": {"data": {"type": "object", "properties": {"a": {}}, "additionalProperties": more}}}
    _, outcome = await sent(opened, {"data": {"b": "x"}})
    assert outcome.notes == ()


async def test_ten_thousand_members_are_told_in_a_few_words() -> None:
    """A body may be as large as a client likes."""
    _, outcome = await sent(TASK, {"data": {f"field_{number}": 1 for number in range(10_000)}}, "write")
    assert len(outcome.notes) == 5


async def test_the_second_call_of_a_kind_is_told_as_the_first() -> None:
    """What is remembered of described members hides no other."""
    house = await gateway([operation("acme.things.run", schema=TASK)])
    for data, told in (({"name": "x"}, 0), ({"name": "x", "project": "1"}, 1), ({"name": "y"}, 0), ({"project": "1"}, 1)):
        outcome = await house.call("call_api", {"api": "acme.things.run", "args": {"data": data}})
        assert len(outcome.notes) == told


async def test_a_yes_is_for_what_is_sent() -> None:
    """The person is asked about the arguments as they go out; the same call, written either way, runs with their yes."""
    house = await gateway([operation("acme.things.delete", "destructive", schema=MESSAGE)])
    given: dict[str, Any] = {"api": "acme.things.delete", "args": {"channel_id": 99}}
    asked = await house.call("call_api", given)
    assert asked.confirmation is not None
    assert "channel_id: 99" in asked.confirmation.message
    done = await house.call("call_api", {"api": "acme.things.delete", "args": {"channel_id": "99"}, "confirm": asked.confirmation.token})
    assert done.status == "ok"
    again = await house.call("call_api", {**given, "confirm": asked.confirmation.token})
    assert "nothing was sent" in (again.note or "")
    assert [dict(call.arguments) for call in house.runner.calls] == [{"channel_id": "99"}]


async def test_a_write_that_was_served_is_written_once() -> None:
    """The key of a write is made of what is sent, however it was written."""
    house = await gateway([operation("acme.things.create", "write", schema=ONCALLS)])
    for sorting in ("id", ["id"], "id"):
        assert (await house.call("call_api", {"api": "acme.things.create", "args": {"sort_by": sorting}})).status == "ok"
    assert len(house.runner.calls) == 1


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        ("object", '{"a": 1}', {"a": 1}),
        ("array", "[1, 2]", [1, 2]),
        ("integer", "25", 25),
        ("number", "-0.5", -0.5),
        ("boolean", "true", True),
        (["integer", "null"], "7", 7),
    ],
    ids=str,
)
async def test_json_in_a_text_is_taken_for_what_it_says(wanted: Json, text: str, value: Json) -> None:
    """Models put whole arguments into a text; where the schema takes no text there is one way to read it."""
    schema = {"type": "object", "properties": {"x": {"type": wanted}}, "additionalProperties": False}
    calls, outcome = await sent(schema, {"x": text})
    assert calls == [{"x": value}]
    assert "the JSON in the text was taken" in str(outcome.notes)
    calls, outcome = await sent(schema, {"x": text}, "destructive")
    assert (calls, outcome.error and outcome.error.code) == ([], "invalid_arguments")


@pytest.mark.parametrize("text", ["{'a': 1}", "1 2", "NaN", '"25"', "null", "twenty", "[" * 90_000], ids=lambda text: text[:8])
async def test_a_text_that_is_no_json_of_the_kind_stays_a_fault(text: str) -> None:
    schema = {"type": "object", "properties": {"x": {"type": ["integer", "object"]}}, "additionalProperties": False}
    calls, outcome = await sent(schema, {"x": text})
    assert (calls, outcome.error and outcome.error.code) == ([], "invalid_arguments")


async def test_all_arguments_in_one_text_are_taken_apart() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
    calls, outcome = await sent(schema, '{"x": "25"}')
    assert (calls, outcome.status) == ([{"x": "25"}], "ok")
