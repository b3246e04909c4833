"""discover_apis: intent -> operations, ready to call."""

from dataclasses import replace

import orjson
import pytest

from oauth.connections.credentials import Readiness
from tests.tools.model_text import to_text
from tests.tools.stand_ins import ADA, DispatcherInMemory, gateway, operation
from tools.dispatch.wire import to_wire
from tools.operation import Json, Paging

SEARCH = operation(
    "crm.contacts.search",
    summary="Find contacts by name or e-mail",
    tags=("people",),
    paging=Paging("cursor", "after", "results", "paging.next"),
    connection="crm",
    schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
CREATE = operation("crm.contacts.create", "write", summary="Add a contact", connection="crm")
DELETE = operation("crm.deals.delete", "destructive", summary="Remove a deal for ever")
WEATHER = operation("weather.forecast.get", summary="Tell the weather of the next days", tags=("sky",))
PRIVATE = operation("crm.contacts.export", tenant_id="other", summary="Export all contacts")
ALL = [SEARCH, CREATE, DELETE, WEATHER, PRIVATE]


async def discover(house: DispatcherInMemory, **arguments: Json) -> dict[str, Json]:
    outcome = await house.call("discover_apis", arguments)
    assert outcome.status == "ok", outcome
    assert outcome.text is not None
    orjson.dumps(to_wire(outcome))
    wire = to_wire(outcome)
    assert isinstance(wire, dict)
    return wire


async def test_an_intent_finds_what_can_be_called_at_once() -> None:
    """three-tools.md: signature, access, paging, readiness, absolute score."""
    house = await gateway(ALL)
    found = (await discover(house, query="find a contact by name"))["results"][0]
    assert found["id"] == SEARCH.id
    assert found["signature"] == SEARCH.signature
    assert (found["access"], found["destructive"], found["confirm"], found["paging"]) == ("read", False, False, "cursor")
    assert found["connection"] == {"provider": "crm", "status": "ready", "accounts": ["work"], "default": "work", "missing_scopes": []}
    assert 0 <= found["score"] <= 1


async def test_another_tenants_operations_are_never_found() -> None:
    """Invariant: no search returns another tenant's rows."""
    house = await gateway(ALL)
    found = await discover(house, query="export all contacts", limit=20)
    assert PRIVATE.id not in {entry["id"] for entry in found["results"]}
    named = (await discover(house, ids=[PRIVATE.id]))["results"][0]
    assert named["error"] == "unknown_operation"
    assert PRIVATE.id not in named["did_you_mean"]
    mine = await house.call("discover_apis", {"query": "export all contacts"}, replace(ADA, tenant_id="other"))
    assert mine.data["results"][0]["id"] == PRIVATE.id


async def test_readiness_says_what_stands_in_the_way() -> None:
    """three-tools.md: readiness (connection, scopes, confirmation) inside discovery."""
    house = await gateway(ALL)
    house.accounts.readiness_by_provider["crm"] = Readiness("crm", "missing_scope", ("work",), "work", ("contacts.write",))
    reader = replace(ADA, scopes=frozenset({"mcp", "mcp:read"}))
    outcome = await house.call("discover_apis", {"ids": [CREATE.id, DELETE.id], "check": True}, reader)
    create, delete = outcome.data["results"]
    assert create["connection"]["status"] == "missing_scope"
    assert create["connection"]["missing_scopes"] == ["contacts.write"]
    assert create["needs_scopes"] == ["crm:write"]
    assert "signature" not in create
    assert delete["confirm"] is True
    assert "token lacks crm:write" in to_text(outcome)
    assert "asks for confirmation" in to_text(outcome)


async def test_an_unknown_id_comes_back_with_what_was_probably_meant() -> None:
    """three-tools.md: `ids`; an unknown one answers with did_you_mean."""
    house = await gateway(ALL)
    found = (await discover(house, ids=["crm.contact.find", WEATHER.id]))["results"]
    assert found[0]["did_you_mean"]
    assert found[1]["id"] == WEATHER.id


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"providers": ["weather"]}, {WEATHER.id}),
        ({"tags": ["people"]}, {SEARCH.id}),
        ({"access": "write"}, {CREATE.id}),
        ({"access": "destructive", "providers": ["crm"]}, {DELETE.id}),
        ({"providers": ["nobody"]}, set()),
    ],
)
async def test_filters_apply_before_ranking(filters: dict[str, Json], expected: set[str]) -> None:
    """three-tools.md: providers, tags, access."""
    house = await gateway(ALL)
    found = await discover(house, query="contacts deals weather", limit=20, **filters)
    assert {entry["id"] for entry in found["results"]} == expected


async def test_detail_goes_from_names_to_schemas() -> None:
    """three-tools.md: detail."""
    house = await gateway(ALL)
    names = (await discover(house, ids=[SEARCH.id], detail="names"))["results"][0]
    full = (await discover(house, ids=[SEARCH.id], detail="full"))["results"][0]
    schema = (await discover(house, ids=[SEARCH.id], detail="schema"))["results"][0]
    assert names == {"id": SEARCH.id, "summary": SEARCH.summary}
    assert [line.partition(":")[0].rstrip("?") for line in full["input"].splitlines()] == list(SEARCH.input_schema["properties"])
    assert "input_schema" not in full
    assert schema["input_schema"] == SEARCH.input_schema


async def test_schemas_that_would_fill_a_context_are_left_out_and_it_says_where_they_are() -> None:
    """Nothing is cut silently, and an answer stays readable."""
    schema = {"type": "object", "properties": {f"argument_{number}": {"type": "string"} for number in range(500)}}
    house = await gateway([operation(f"crm.big{number}.get", schema=schema) for number in range(20)])
    found = await discover(house, ids=[f"crm.big{number}.get" for number in range(20)], detail="schema")
    assert len(orjson.dumps(found)) < 60_000
    assert "input_schema" in found["results"][0]
    last = found["results"][-1]
    assert "input_schema" not in last
    assert "gateway.operations.describe" in last["left_out"]
    whole = await house.call("call_api", {"api": "gateway.operations.describe", "args": {"id": last["id"]}, "max_chars": 100_000})
    assert len(whole.data["input_schema"]["properties"]) == 500


async def test_a_cursor_brings_the_next_ones_and_never_more_than_twenty() -> None:
    """three-tools.md: limit 1-20; a limit above is refused by the schema."""
    many = [operation(f"crm.notes{number:02}.list", summary="List the notes of a contact") for number in range(30)]
    house = await gateway(many)
    first = await discover(house, query="list notes of a contact", limit=20)
    second = await discover(house, query="list notes of a contact", limit=20, cursor=first["next_cursor"])
    ids = [entry["id"] for entry in (*first["results"], *second["results"]) if entry["id"].startswith("crm.")]
    assert (len(first["results"]), len(set(ids)), len(ids)) == (20, 30, 30)
    refused = await house.call("discover_apis", {"query": "x", "limit": 50})
    assert refused.error is not None


@pytest.mark.parametrize("cursor", ["²", "-1", "9" * 5_000])
async def test_a_cursor_that_is_none_of_ours_begins_at_the_beginning(cursor: str) -> None:
    """Five thousand digits are more than Python reads as a number."""
    house = await gateway([operation("crm.notes.list", summary="List the notes of a contact")])
    assert (await discover(house, query="list notes", cursor=cursor))["results"]


async def test_an_answer_to_nothing_asked_is_the_map_of_what_there_is() -> None:
    """Whoever asks nothing sees the providers with their counts, and with a provider its resources."""
    house = await gateway(ALL)
    everything = (await discover(house))["overview"]
    assert {place["provider"]: place["operations"] for place in everything}.items() >= {"crm": 3, "weather": 1}.items()
    assert {place["resource"] for place in (await discover(house, providers=["CRM"]))["overview"]} == {"crm.contacts", "crm.deals"}
    assert "crm 3" in to_text(await house.call("discover_apis", {}))


async def test_the_map_stays_short_however_many_providers_there_are() -> None:
    """An answer is bounded, and says what it leaves out."""
    house = await gateway([operation(f"provider{number:03}.things.get") for number in range(100)])
    outcome = await house.call("discover_apis", {})
    assert len(outcome.data["overview"]) + outcome.data["more"] >= 100
    assert len(to_text(outcome)) < 1_800


async def test_each_query_has_its_own_results_under_its_own_heading() -> None:
    """`limit` is for each query; none is crowded out by another, and what two of them find is described once."""
    house = await gateway([*ALL, *(operation(f"crm.notes.n{number}", summary="List the notes of a contact") for number in range(9))])
    asked = ["list notes of a contact", "weather of the next days"]
    found = await discover(house, query=asked, limit=3)
    assert [one["query"] for one in found["queries"]] == asked
    assert all(len(one["results"]) <= 3 for one in found["queries"])
    assert found["queries"][1]["results"][0] == WEATHER.id
    described = [entry["id"] for entry in found["results"]]
    assert sorted(described) == sorted({each for one in found["queries"] for each in one["results"]})
    text = to_text(await house.call("discover_apis", {"query": asked, "limit": 3}))
    assert text.index(f"# {asked[0]}") < text.index(f"# {asked[1]}") < text.index(WEATHER.id)


async def test_five_queries_without_a_limit_come_to_twenty_at_most() -> None:
    """three-tools.md: never more than twenty, unless the limit says so."""
    house = await gateway([operation(f"crm.notes{number:02}.list", summary="List the notes of a contact") for number in range(60)])
    found = await discover(house, query=[f"list notes{number} of a contact" for number in range(5)])
    assert len(found["results"]) <= 20
    assert len(found["queries"]) == 5


async def test_an_operation_brings_its_siblings_by_their_last_words() -> None:
    """`contacts: create · list`: what a resource has is seen without another request, and ids follow from it."""
    names = ["create", "list", "get", "update", "delete", *(f"extra{number}" for number in range(9))]
    house = await gateway(
        [*ALL, *(operation(f"shop.orders.items.{name}", summary=f"{name} an item of an order") for name in names), PRIVATE]
    )
    outcome = await house.call("discover_apis", {"query": "create an item of an order", "providers": ["shop"], "limit": 2})
    (group,) = outcome.data["groups"]
    assert group["group"] == "shop.orders.items"
    assert len(group["operations"]) == 8
    assert len(group["operations"]) + group["more"] + len(outcome.data["results"]) == len(names)
    named = await discover(house, ids=[f"shop.orders.items.{name}" for name in group["operations"]])
    assert not [entry for entry in named["results"] if "error" in entry]
    line = next(line for line in to_text(outcome).splitlines() if line.startswith("  orders.items: "))
    assert line == f"  orders.items: {' · '.join(group['operations'])} · …+{group['more']}"


async def test_the_siblings_of_a_resource_without_a_provider_are_named() -> None:
    """Our own `connections.*` have no provider before their resource."""
    house = await gateway([operation(f"shelves.{name}", summary=f"{name} a shelf") for name in ("create", "list", "delete")])
    text = to_text(await house.call("discover_apis", {"query": "create a shelf", "limit": 1}))
    assert "  shelves: list · delete" in text.splitlines()


async def test_siblings_are_what_the_caller_sees_and_asks_for() -> None:
    """Another tenant's operations are not named, nor what a filter leaves out."""
    house = await gateway(ALL)
    found = await discover(house, query="find contacts by name", access="read")
    assert {name for group in found["groups"] for name in group["operations"]}.isdisjoint({"export", "create"})


async def test_the_default_answer_stays_short_whatever_signatures_are_like() -> None:
    """Six operations with their groups come to 450 tokens at most; a signature that has no room is marked, the first is whole."""
    properties = ", ".join(f"argument_{number}: str" for number in range(30))
    many = [
        replace(
            operation(f"crm.notes{number}.{name}", summary="List the notes of a contact " * 9),
            signature=f"crm.notes{number}.{name}({properties}) -> {{a, b}}",
        )
        for number in range(9)
        for name in ("list", "create", "delete")
    ]
    text = to_text(await (await gateway(many)).call("discover_apis", {"query": "list notes of a contact"}))
    assert len(text) / 4 <= 450
    assert properties in text.splitlines()[0]
    assert "(…)" in text


async def test_an_unknown_provider_is_told_with_those_there_are() -> None:
    """Nobody should take `nothing found` for an answer about a provider that is misspelled or missing."""
    house = await gateway(ALL)
    found = await discover(house, query="find a contact", providers=["crn", "slack"])
    assert found["results"] == []
    assert [(each["provider"], each["did_you_mean"]) for each in found["unknown_providers"]] == [("crn", ["crm"]), ("slack", [])]
    assert {"crm", "weather"} <= set(found["providers"])
    text = to_text(await house.call("discover_apis", {"query": "find a contact", "providers": ["crn"]}))
    assert "no provider 'crn'; did you mean crm?" in text
    assert (await discover(house, query="find a contact", providers=["CRM", "slack"]))["results"]


async def test_nothing_found_says_which_filter_excluded_what() -> None:
    """A filter that fits nothing is named, with what there is."""
    house = await gateway(ALL)
    excluded = (await discover(house, query="contacts", providers=["Crm"], tags=["sky"]))["excluded"]
    assert excluded == "the filters leave nothing: crm: 3 operations; tagged sky: 0 (tags there: people)"


async def test_what_was_asked_for_is_told_in_short() -> None:
    """A client that sends three megabytes of tags got seven back."""
    house = await gateway(ALL)
    excluded = (await discover(house, query="contacts", tags=[str(number) * 100_000 for number in range(9)]))["excluded"]
    assert excluded.startswith("the filters leave nothing: tagged 0")
    assert "7" * 80 + " or …: 0" in excluded
    assert len(excluded) < 1_000


@pytest.mark.parametrize("query", ["", " ", "§$%&", "\x00", "x" * 5_000, [], ["", ""], ["a"] * 5])
async def test_any_query_gets_an_answer(query: Json) -> None:
    """Never a stack trace for input."""
    house = await gateway(ALL)
    outcome = await house.call("discover_apis", {"query": query})
    assert outcome.error is None or outcome.error.code == "invalid_arguments"


async def test_the_catalogue_revision_changes_with_the_catalogue_only() -> None:
    """three-tools.md: catalog_rev."""
    revisions = [(await discover(await gateway(operations), query="contact"))["catalog_rev"] for operations in (ALL, ALL, [SEARCH])]
    assert revisions[0] == revisions[1] != revisions[2]


async def test_the_text_is_shorter_than_the_json() -> None:
    """three-tools.md: the same as compact text."""
    house = await gateway(ALL)
    outcome = await house.call("discover_apis", {"query": "find a contact by name"})
    assert len(to_text(outcome)) < len(orjson.dumps(to_wire(outcome))) * 0.6
