"""discover_apis: intent -> operations, ready to call."""

from dataclasses import replace

import orjson
import pytest

from oauth.connections.credentials import Readiness
from tests.tools.stand_ins import ADA, Gateway, gateway, operation
from tools.dispatch.wire import to_text, to_wire
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


async def discover(house: Gateway, **arguments: Json) -> dict[str, Json]:
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


async def test_an_answer_to_nothing_asked_says_what_to_ask() -> None:
    """Bad input is normal input."""
    house = await gateway(ALL)
    outcome = await house.call("discover_apis", {})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"


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
