"""What models write by the habits of other products, and numbers where a text goes out: told or done before anything runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.plans.crates import ALL, faults_of, flow, label
from tools.operation import Json
from tools.plans.references import parse_template
from tools.plans.templates import TemplateNames, foreign_templates

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
