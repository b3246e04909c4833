"""What models write by the habits of other products, and numbers where a text goes out: told or done before anything runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.plans.plans import Batches, answering_with, batches
from tests.tools.stand_ins import answering, operation
from tools.expressions.spelling import with_dashes_quoted
from tools.operation import Json, Operation, Outcome, ResponseMeta
from tools.plans.references import parse_template
from tools.plans.templates import TemplateNames, foreign_templates

CRATES = [{"id": 7, "title": "Pears", "is_sold": True, "name": "pears"}]
LABEL = {"type": "object", "properties": {"crate_id": {"type": "string"}, "text": {"type": "string"}, "count": {"type": "integer"}}}
LISTED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "title": {"type": "string"}, "is_sold": {"type": "boolean"}, "name": {"type": "string"}},
    },
}


def in_place(operation_id: str, place: str, schema: Mapping[str, Json], argument: str = "id") -> Operation:
    takes = {"type": "object", "properties": {argument: schema}}
    return replace(
        operation(operation_id, schema=takes), binding={"parameters": [{"argument": argument, "name": argument, "in": place}], "body": None}
    )


async def flow(*, knows_types: bool = True) -> Batches:
    listing = replace(operation("fl.crates.list"), output_schema=LISTED if knows_types else None)
    text = {"type": "string"}
    house = await batches(
        [
            listing,
            in_place("fl.crates.get", "path", text),
            in_place("fl.crates.query", "query", {"type": "array", "items": text}),
            in_place("fl.crates.head", "header", text),
            in_place("fl.crates.document", "query", text, "filter"),
            operation("fl.labels.add", "write", schema=LABEL),
        ]
    )
    house.runner.answers["fl.crates.list"] = answering(CRATES, http=ResponseMeta(200, told={"etag": '"v7"', "content-location": "/c"}))
    return house


async def faults_of(house: Batches, *steps: Mapping[str, Json], **plan: Json) -> list[dict[str, Any]]:
    """Return the faults of a plan; nothing of it may have run."""
    answer = await house.run(*steps, **plan)
    assert answer["error"]["code"] == "invalid_plan", answer
    assert house.sent == []
    faults: list[dict[str, Any]] = answer["error"]["faults"]
    return faults


ALL: dict[str, Json] = {"id": "all", "api": "fl.crates.list"}


def label(text: Json, **more: Json) -> dict[str, Json]:
    return {"id": "lab", "api": "fl.labels.add", "args": {"crate_id": text}, **more}


@pytest.mark.parametrize("knows_types", [True, False])
@pytest.mark.parametrize(
    ("api", "argument", "reference", "sent"),
    [
        ("fl.crates.get", "id", "all.data[0].id", "7"),
        ("fl.crates.head", "id", "all.data[0].id", "7"),
        ("fl.crates.get", "id", "all.data[0].is_sold", "true"),
        ("fl.crates.query", "id", "all.data[].id", ["7"]),
        ("fl.crates.get", "id", "all.data[0].title", "Pears"),
    ],
)
async def test_a_number_fills_a_text_parameter_as_it_is_written_on_the_wire(
    knows_types: bool, api: str, argument: str, reference: str, sent: Json
) -> None:
    """Case plan-number-into-text-parameter: in a path, a query or a header 7 and "7" are the same."""
    house = await flow(knows_types=knows_types)
    answer = await house.run(ALL, {"id": "one", "api": api, "args": {argument: {"$ref": reference}}})
    assert answer["status"] == "completed", answer
    assert house.sent[-1] == (api, {argument: sent})


async def test_an_element_fills_a_text_parameter_too() -> None:
    """The same for `$item`."""
    house = await flow()
    await house.run(ALL, {"id": "one", "api": "fl.crates.get", "for_each": "all.data", "args": {"id": {"$item": "id"}}})
    assert house.sent[-1] == ("fl.crates.get", {"id": "7"})


@pytest.mark.parametrize(
    ("args", "way_out"),
    [
        ({"crate_id": {"$ref": "all.data[0].id"}}, {"$ref": "to_string(all.data[0].id)"}),
        ({"crate_id": {"$ref": "all.data[0].is_sold"}}, {"$ref": "to_string(all.data[0].is_sold)"}),
        ({"count": {"$ref": "all.data[0].title"}}, {"$ref": "to_number(all.data[0].title)"}),
    ],
)
async def test_in_a_body_the_plan_check_says_the_expression_that_fits(args: dict[str, Json], way_out: Json) -> None:
    """JSON tells numbers and texts apart; the fault carries what to write, and that runs."""
    (fault,) = await faults_of(await flow(), ALL, {"id": "lab", "api": "fl.labels.add", "args": args})
    assert fault["example"] == way_out
    house = await flow()
    house.runner.answers["fl.crates.list"] = answering([{"id": 7, "title": "12", "is_sold": True}])
    name = next(iter(args))
    answer = await house.run(ALL, {"id": "lab", "api": "fl.labels.add", "args": {name: way_out}})
    assert answer["status"] == "completed", answer


async def test_an_element_of_the_wrong_type_is_hinted_with_item() -> None:
    step = {"id": "lab", "api": "fl.labels.add", "for_each": "all.data", "args": {"crate_id": {"$item": "id"}}}
    (fault,) = await faults_of(await flow(), ALL, step)
    assert fault["example"] == {"$item": "to_string(id)"}


async def test_where_no_type_is_known_the_refusal_says_the_expression() -> None:
    """The document says nothing of the answer: only the value shows that it is a number."""
    house = await flow(knows_types=False)
    answer = await house.run(ALL, label({"$ref": "all.data[0].id"}))
    assert '{"$ref": "to_string(all.data[0].id)"}' in answer["steps"]["lab"]["error"]["hint"]


WHOLE = [
    "${all.data[0].id}",
    "${ all.data[0].id }",
    "{{all.data[0].id}}",
    "{{ steps.all.data[0].id }}",
    "{{{all.data[0].id}}}",
    "${{ steps.all.outputs[0].id }}",
    "{{all.output[0].id}}",
    "{{all.result.0.id}}",
    "{{all[0].id}}",
    "{{ steps['all'].data[0].id }}",
    "{{ all.data[0].id | tojson }}",
    "$all.data[0].id",
    "$.all.data[0].id",
    "$steps.all.data[0].id",
    "<all.data[0].id>",
    "{all.data[0].id}",
    "<<all.data[0].id>>",
    "<%= all.data[0].id %>",
    "#{all.data[0].id}",
    "[[all.data[0].id]]",
    "%all.data[0].id%",
    "all.data[0].id",
    "steps.all.data[0].id",
]


@pytest.mark.parametrize("text", WHOLE)
async def test_another_products_template_is_pointed_out_with_the_reference_to_write(text: str) -> None:
    """Case plan-template-strings: a write would go out with the literal text."""
    (fault,) = await faults_of(await flow(), ALL, label(text))
    assert fault["path"] == "arguments.crate_id"
    assert fault["example"] == {"$ref": "all.data[0].id"}
    assert '{"$ref":"all.data[0].id"}' in fault["message"]
    assert "$literal" in fault["message"]


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("{{all}}", {"$ref": "all.data"}),
        ("<all.data.id>", {"$ref": "all.data.id"}),
        ("Crate ${all.data[0].id}!", {"$ref": "join('', ['Crate ', to_string(all.data[0].id), '!'])"}),
        ("{{all.data[0].id}}/{{all.data[0].title}}", {"$ref": "join('', [to_string(all.data[0].id), '/', to_string(all.data[0].title)])"}),
        ("it's {{all.data[0].id}}", {"$ref": "join('', ['it\\'s ', to_string(all.data[0].id)])"}),
    ],
)
async def test_a_template_within_a_text_is_answered_with_what_joins_it(text: str, way_out: Json) -> None:
    (fault,) = await faults_of(await flow(), ALL, label(text))
    assert fault["example"] == way_out


async def test_the_way_out_of_a_joined_text_runs() -> None:
    house = await flow()
    (fault,) = await faults_of(house, ALL, label("it's {{all.data[0].id}}: ${all.data[0].title}"))
    answer = await house.run(ALL, label(fault["example"]))
    assert answer["status"] == "completed", answer
    assert house.sent[-1][1] == {"crate_id": "it's 7: Pears"}


@pytest.mark.parametrize(
    ("text", "for_each", "way_out"),
    [
        ("{{item.title}}", "all.data", {"$item": "title"}),
        ("${item.title}", "all.data", {"$item": "title"}),
        ("$item.title", "all.data", {"$item": "title"}),
        ("{{item}}", "all.data", {"$item": ""}),
        ("{{title}}", [{"title": "a"}], {"$item": "title"}),
        ("No. {{item.id}}", "all.data", {"$item": "join('', ['No. ', to_string(id)])"}),
    ],
)
async def test_a_template_of_the_element_is_pointed_out_too(text: str, for_each: Json, way_out: Json) -> None:
    faults = await faults_of(await flow(), ALL, label(text, for_each=for_each))
    assert [fault["example"] for fault in faults] == [way_out]


@pytest.mark.parametrize(
    "text",
    [
        "{{name}}",
        "Hello {{first_name}}, ${amount} off",
        "{all}",
        "<all>",
        "$5.00",
        "$allowance.x",
        "all",
        "all right, data is here",
        "see all.data for more",
        "<p>all.</p>",
        "100% all.x%",
        "{{item.title}}",
        "function() { return all; }",
        "{}",
        "overall.data",
    ],
)
async def test_a_text_that_names_no_step_goes_out_as_it_is(text: str) -> None:
    """A mail's own template, a price, a piece of code."""
    house = await flow()
    answer = await house.run(ALL, label(text))
    assert answer["status"] == "completed", answer
    assert house.sent[-1][1] == {"crate_id": text}


async def test_a_template_that_is_meant_goes_out_by_literal() -> None:
    """The text itself, on purpose."""
    house = await flow()
    await house.run(ALL, label({"$literal": "${all.data[0].id}"}))
    assert house.sent[-1][1] == {"crate_id": "${all.data[0].id}"}


async def test_signs_around_expressions_are_named_as_what_is_wrong() -> None:
    """`for_each`, `if`, `return` and `$ref` take the expression alone."""
    house = await flow()
    for faults in (
        await faults_of(house, ALL, label({"$item": "id"}, for_each="{{all.data}}")),
        await faults_of(house, ALL, label("x"), return_="${all.data}"),
        await faults_of(house, ALL, label({"$ref": "{{all.data}}"})),
    ):
        assert "write 'all.data' without signs" in faults[0]["message"], faults


@pytest.mark.parametrize(
    ("expression", "quoted"),
    [
        ("fetch-users.data", '"fetch-users".data'),
        ("a.first-name[-1]", 'a."first-name"[-1]'),
        ("a[?last-seen > `2020-01-01`].'x-y'", "a[?\"last-seen\" > `2020-01-01`].'x-y'"),
        ('"already-quoted".b', '"already-quoted".b'),
        ("a[-3:-1]", "a[-3:-1]"),
        ("a.http.headers.x-total-count", 'a.http.headers."x-total-count"'),
    ],
)
def test_names_with_dashes_are_read_as_names(expression: str, quoted: str) -> None:
    """JMESPath has no minus."""
    assert with_dashes_quoted(expression) == quoted


async def test_dashes_in_ids_and_members_are_fine_everywhere() -> None:
    house = await flow(knows_types=False)
    house.runner.answers["fl.crates.list"] = answering([{"crate-id": "c1"}])
    answer = await house.run(
        {"id": "fetch-all", "api": "fl.crates.list"},
        {
            "id": "lab",
            "api": "fl.labels.add",
            "if": "fetch-all.ok",
            "for_each": "fetch-all.data",
            "args": {"crate_id": {"$item": "crate-id"}, "text": {"$ref": "fetch-all.data[0].crate-id"}},
        },
        return_="fetch-all.data[].crate-id",
    )
    assert answer["returned"] == ["c1"]
    assert house.sent[-1][1] == {"crate_id": "c1", "text": "c1"}


async def test_a_later_step_takes_a_header_of_an_earlier_one() -> None:
    """Case etag-if-match in a plan: what was read is written only where nobody changed it meanwhile."""
    house = await flow()
    answer = await house.run(
        ALL,
        {"id": "a", "api": "fl.crates.head", "args": {"id": {"$ref": "all.http.headers.etag"}}},
        {"id": "b", "api": "fl.crates.get", "args": {"id": {"$ref": "all.http.headers.content-location"}}},
        return_="all.http.status",
    )
    assert answer["returned"] == 200
    assert [arguments for _, arguments in house.sent[1:]] == [{"id": '"v7"'}, {"id": "/c"}]


async def test_a_header_by_a_name_in_capitals_is_a_fault_before_anything_runs() -> None:
    step = {"id": "a", "api": "fl.crates.head", "args": {"id": {"$ref": "all.http.headers.ETag"}}}
    (fault,) = await faults_of(await flow(), ALL, step)
    assert fault["did_you_mean"] == ["etag"]


async def test_a_step_says_where_what_it_made_is() -> None:
    """Case location-of-created in a plan."""
    house = await flow()
    made = Outcome("ok", http=ResponseMeta(201, told={"location": "/things/42"}, location="https://fl.example/things/42"))
    house.runner.answers["fl.labels.add"] = answering_with(made)
    answer = await house.run(label("x"), return_="lab.http.headers.location")
    assert answer["returned"] == "/things/42"
    assert answer["steps"]["lab"]["location"] == "https://fl.example/things/42"


async def test_a_step_that_did_not_run_says_why() -> None:
    """Skipped by its own `if`, and waiting behind a step that failed."""
    house = await flow()
    answer = await house.run(ALL, label("x", **{"if": "all.data[0].id == `8`"}))
    assert "`if` is not true" in answer["steps"]["lab"]["reason"]
    house.runner.answers["fl.crates.list"] = answering_with(Outcome("error"))
    answer = await house.run(ALL, label("x", depends_on=["all"]))
    assert answer["steps"]["lab"]["reason"] == "the plan stopped at 'all'"


NAMES = TemplateNames(frozenset({"all", "fetch-users", "1"}), frozenset({"all"}), has_item=True, of_item=frozenset({"title"}))


@given(st.text(alphabet="${}[]<>%#.|-'\"\\ all1itemdata0*", max_size=60))
@examples(400)
def test_any_text_is_looked_at_without_harm_and_every_way_out_can_be_read(text: str) -> None:
    """What is offered is never itself a fault."""
    for foreign in foreign_templates({"x": text}, NAMES)[0]:
        if foreign.way_out is not None:
            _, unread, _ = parse_template(dict(foreign.way_out), 10, 10_000)
            assert unread == []


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("@{outputs('all')}", "all.data"),
        ("@{body('fetch-users')?['id']}", "fetch-users.data.id"),
        ('={{ $node["all"].json.id }}', "all.data.id"),
        ("{{ $('fetch-users').item.json.id }}", "fetch-users.data.id"),
        ("${all?.data?.id}", "all.data.id"),
        ("%{all.data.id}", "all.data.id"),
        ("$(all.data.id)", "all.data.id"),
        ("$['all'].data.id", "all.data.id"),
        ("{{=all.data.id}}", "all.data.id"),
        ("{{outputs.all.id}}", "all.data.id"),
        ("{{nodes.all.output}}", "all.data"),
        ("{{tasks.fetch-users.output.id}}", "fetch-users.data.id"),
        ("${all.output.response.body.id}", "all.data.id"),
        ('{"$ref": "all.data[0].id"}', "all.data[0].id"),
        ("${{ steps.all.outputs.id }}", "all.data.id"),
    ],
)
def test_a_template_of_any_product_is_answered_with_the_reference(text: str, reference: str) -> None:
    """Power Automate, n8n, Ruby, shells, JSONPath, Conductor, GitHub Actions; a reference that was sent as text."""
    (foreign,) = foreign_templates({"x": text}, NAMES)[0]
    assert foreign.way_out == {"$ref": reference}


@pytest.mark.parametrize("text", ["$(date)", "a@example.com", "{{ $json.id }}", '{"$ref": "#/x"}', "{% raw %}", "${HOME}", "x[0].id", "{}"])
def test_what_names_nothing_of_the_plan_is_only_a_text(text: str) -> None:
    assert foreign_templates({"x": text}, NAMES)[0] == []
