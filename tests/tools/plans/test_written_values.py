"""Values that a reference brings are written as the place where they go takes them; names, headers and reasons are read as given."""

import pytest

from tests.tools.plans.crates import ALL, faults_of, flow, label
from tests.tools.plans.plans import answering_with
from tests.tools.stand_ins import answering
from tools.expressions.spelling import with_dashes_quoted
from tools.operation import Json, Outcome, ResponseMeta


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
