"""Wrong arguments, in words that a model can act on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.stand_ins import gateway, operation
from tools.dispatch.arguments import MAX_LOOKED_AT, MAX_SUGGESTED, Validators, compile_schema
from tools.json_schema.argument_faults import MAX_VALUE_CHARS
from tools.json_schema.examples import example_of
from tools.operation import Json

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "due_date": {"type": "string", "format": "date"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "stage": {"enum": ["open", "won", "lost"]},
        "password": {"type": "string", "minLength": 8},
        "owner": {"$ref": "#/$defs/Owner"},
        "target": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    },
    "required": ["limit"],
    "additionalProperties": False,
    "$defs": {"Owner": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}}},
}
UPDATE = operation("crm.deals.update", "write", schema=SCHEMA)


def faults(**arguments: Json) -> dict[str, dict[str, Json]]:
    return {fault.path: fault.as_json() for fault in Validators().faults(UPDATE, {"limit": 1, **arguments})}


@pytest.mark.parametrize(
    ("arguments", "path", "rule", "example"),
    [
        ({"due_date": "31/12/2026"}, "arguments.due_date", "format date", "2026-11-21"),
        ({"limit": 500}, "arguments.limit", "maximum 100", 1),
        ({"stage": "opn"}, "arguments.stage", "one of 'open', 'won', 'lost'", "open"),
        ({"owner": {"email": "ada"}}, "arguments.owner.email", "format email", "ada@example.com"),
        ({"target": {"id": "7"}}, "arguments.target.id", "type integer", 1),
        ({"target": {}}, "arguments.target.id", "required", 1),
        ({"tags": ["a", 2]}, "arguments.tags[1]", "type string", "text"),
        ({"tags": ["a", "b", "c"]}, "arguments.tags", "maxItems 2", []),
        ({"dueDate": "2026-01-01"}, "arguments.dueDate", "no such argument", "due_date"),
    ],
)
def test_a_fault_names_path_rule_and_an_example(arguments: dict[str, Json], path: str, rule: str, example: Json) -> None:
    """three-tools.md: the path, the value, the rule, an example."""
    found = faults(**arguments)
    assert list(found) == [path]
    assert (found[path]["rule"], found[path]["example"]) == (rule, example)


def test_a_message_says_the_way_out() -> None:
    """Style: name the thing, the rule and the way out."""
    refusal = Validators().refusal(UPDATE, {"limit": 1, "due_date": "31/12/2026"})
    assert refusal is not None
    assert refusal.message == "arguments.due_date: '31/12/2026' is not a date; write it like 2026-11-21"
    assert refusal.hint == "due_date?: date"


def test_all_faults_are_reported_at_once() -> None:
    """One correction, not one per attempt."""
    assert set(faults(limit=0, stage="x", dueDate="y")) == {"arguments.limit", "arguments.stage", "arguments.dueDate"}


def test_a_member_with_a_name_of_megabytes_is_told_in_few_words() -> None:
    """Nothing is repeated at its length, and of such a name nobody knows whether its value is a secret."""
    [fault] = faults(name={"k" * 3_000_000: "hunter2"}).values()
    assert len(str(fault)) < 1_000
    assert "hunter2" not in str(fault)


def test_a_secret_is_not_repeated_and_a_long_value_is_cut() -> None:
    """Style: never a secret in an error."""
    assert faults(password="hunter2")["arguments.password"]["value"] == "(not shown)"
    long = faults(due_date="x" * 5_000)["arguments.due_date"]["value"]
    assert len(long) < MAX_VALUE_CHARS + 30
    assert "hunter2" not in str(faults(password=["hunter2"]))


def test_a_schema_that_is_none_leaves_the_judgement_to_the_upstream() -> None:
    """Real documents hold broken schemas; their operations stay callable."""
    broken = operation("crm.broken.call", schema={"type": "objekt"})
    assert Validators().refusal(broken, {"anything": 1}) is None


def test_a_schema_that_points_elsewhere_is_never_fetched() -> None:
    """MCP 2026-07-28: no network dereferencing of $ref."""
    assert compile_schema({"$ref": "http://127.0.0.1:1/schema.json"}) is None


def test_a_changed_operation_is_judged_by_its_new_schema() -> None:
    """A refreshed catalogue brings new objects; no stale validator is met."""
    validators = Validators()
    before = operation("crm.a.get", schema={"type": "object", "required": ["x"]})
    after = operation("crm.a.get", schema={"type": "object"})
    assert validators.refusal(before, {}) is not None
    assert validators.refusal(after, {}) is None


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(arguments=st.dictionaries(st.sampled_from(list(SCHEMA["properties"])) | st.text(), _JSON, max_size=6))
def test_any_arguments_get_an_answer_that_can_be_sent(arguments: dict[str, Any]) -> None:
    """Bad input is normal input: whatever JSON comes, the answer is JSON and nothing is raised."""
    refusal = Validators().refusal(UPDATE, arguments)
    assert json.dumps(list(refusal.faults) if refusal is not None else [])


@pytest.mark.parametrize("odd", ["\ud800", 2**200, -(2**70), {"\udfff": 1}, [[[[]]]] * 3, {"a" * 1000: None}])
async def test_odd_json_passes_every_gate_without_a_stack_trace(odd: Json) -> None:
    """Lenient parsers let lone surrogates and integers beyond 64 bits in."""
    house = await gateway([operation("crm.notes.create", "write"), operation("crm.notes.delete", "destructive")])
    for name in ("crm.notes.create", "crm.notes.delete"):
        outcome = await house.call("call_api", {"api": name, "args": {"text": odd}})
        assert outcome.error is None or outcome.error.code != "internal_error"


async def test_arguments_nested_without_end_are_refused() -> None:
    """A deep document must not end the process."""
    house = await gateway([UPDATE])
    deep: Json = "x"
    for _ in range(5_000):
        deep = [deep]
    outcome = await house.call("call_api", {"api": UPDATE.id, "args": {"tags": deep, "limit": 1}})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"


@given(schema=_JSON)
def test_an_example_can_be_made_of_any_schema(schema: Json) -> None:
    """Schemas come from documents of all kinds."""
    assert json.dumps(example_of(schema))


def test_of_very_many_faults_only_so_many_are_looked_at() -> None:
    """A body of 4 MiB holds 100,000; one thing of each kind says enough."""
    refusal = Validators().refusal(UPDATE, {"limit": 1, "tags": [0] * 50_000})
    assert refusal is not None
    assert len(refusal.faults) == 10
    assert "more, see faults" in refusal.message
    assert int(refusal.message.rpartition("(and ")[2].split()[0]) < 500


ZONES = [f"Europe/City_{number:03}" for number in range(590)]
WIDE = operation(
    "crm.zones.set",
    "write",
    schema={
        "type": "object",
        "properties": {
            "zones": {"type": "array", "items": {"enum": ZONES}},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "names": {"type": "array", "maxItems": 9_000},
        },
    },
)


def test_faults_of_many_values_are_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """attacks.md: an enumeration of 590 values times 200 faults times 50 steps stood for 44 s."""
    compared: list[object] = []

    def counted(word: str, known: list[str], most: int) -> tuple[str, ...]:
        compared.extend([word] if known else [])
        return ()

    monkeypatch.setattr("tools.json_schema.argument_faults.near", counted)
    found = Validators().faults(WIDE, {"zones": ["nowhere"] * 200})
    assert 10 <= len(found) <= MAX_LOOKED_AT
    assert found[0].path == "arguments.zones[0]"
    assert len(compared) <= MAX_SUGGESTED


@pytest.mark.parametrize("wrong", [0, 7_777, 19_999])
def test_a_fault_among_many_rows_is_told_where_it_stands(wrong: int) -> None:
    """A list is halved until few values are left; the path is the one in the whole list."""
    rows: list[Json] = [{"n": number} for number in range(20_000)]
    rows[wrong] = {"n": "seven"}
    (fault,) = Validators().faults(WIDE, {"zones": [ZONES[0]] * 50, "rows": rows})
    assert (fault.path, fault.rule) == (f"arguments.rows[{wrong}].n", "type integer")


def test_faults_too_many_to_place_are_said_all_the_same() -> None:
    """Neither half of a list that is too long has a fault."""
    (fault,) = Validators().faults(WIDE, {"names": list(range(10_000))})
    assert fault.path == "arguments"
    assert "too many to say where" in fault.message


def test_a_name_of_any_length_is_shown_short() -> None:
    """Work in the size of what was sent, for a message of a line."""
    closed = operation("crm.a.get", schema={"type": "object", "properties": {}, "additionalProperties": False})
    refusal = Validators().refusal(closed, {"n" * 1_000_000: 1})
    assert refusal is not None
    assert len(refusal.message) < 1_000
    assert all(len(str(fault)) < 1_000 for fault in refusal.faults)


def test_compiled_schemas_are_bounded_by_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four thousand were kept, of whatever size. The newest stays, and what went compiles again."""
    monkeypatch.setattr("tools.dispatch.arguments.MAX_COMPILED_BYTES", 1_000_000)
    validators = Validators()
    wide: dict[str, Json] = {
        "type": "object",
        "properties": {f"p{number}": {"type": "string"} for number in range(500)},
        "required": ["p0"],
    }
    operations = [operation(f"crm.a{number}.get", schema=wide) for number in range(20)]
    for each in operations:
        assert validators.faults(each, {})
        assert validators.total_bytes <= 1_000_000
    assert 1 <= len(validators._compiled) < 10
    assert validators.faults(operations[0], {})
    before = validators.total_bytes
    assert not validators.faults(operation("crm.a0.get", schema={"type": "object", "properties": {}}), {})
    assert validators.total_bytes < before
