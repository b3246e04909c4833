"""What a caller learns of the header of an answer, and what never leaves."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.tools.model_text import to_text
from tests.tools.sources.http.upstream import Upstream
from tests.tools.sources.openapi.callable import call_of
from tests.tools.stand_ins import KnownConnections
from tools.dispatch.outcome_codec import decode_outcome, encode_outcome
from tools.dispatch.wire import to_wire
from tools.egress.client import Egress
from tools.operation import Operation
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document
from tools.sources.response_headers import MAX_FIELD_CHARS, facts_of, is_number

URL = "https://api.example.com/v1/things?api_key=s3cret"


def told(declared: tuple[str, ...] = (), **headers: str) -> dict[str, Any]:
    """Return `http.headers` of an answer; header names have underscores for dashes."""
    return dict(facts_of(200, {name.replace("_", "-"): value for name, value in headers.items()}, URL, declared).told or {})


def test_what_was_made_and_its_state_is_told_without_being_declared() -> None:
    """Cases location-of-created and etag-if-match; RFC 9110 §10.2.2, §8.8."""
    headers = {"Location": "/things/42", "ETag": '"v7"', "Operation-Location": "/ops/1", "Retry-After": "5", "X-Total-Count": "6"}
    facts = facts_of(201, headers, URL)
    assert facts.told == {name.lower(): value for name, value in headers.items()}
    assert facts.location == "https://api.example.com/things/42"


@pytest.mark.parametrize(
    ("location", "absolute"),
    [
        ("/things/42", "https://api.example.com/things/42"),
        ("things/42", "https://api.example.com/v1/things/42"),
        ("https://other.example/x", "https://other.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("?id=4", "https://api.example.com/v1/things?id=4"),
        ("#there", "https://api.example.com/v1/things#there"),
    ],
)
def test_a_location_is_told_absolute_without_our_own_query(location: str, absolute: str) -> None:
    """The query of the request may hold a key; it is no part of where something was made."""
    facts = facts_of(201, {"location": location}, URL)
    assert (facts.location, (facts.told or {})["location"]) == (absolute, location)


def test_what_the_document_declares_is_told_and_what_signs_in_never() -> None:
    """A declared field is for the caller; a cookie is not, whoever declares it."""
    assert told(("x-plan",), X_Plan="gold", X_Other="no") == {"x-plan": "gold"}
    assert told(Set_Cookie="a=b", WWW_Authenticate="Bearer", Authorization="x", X_Auth_Token="t", Server="nginx") == {}


def test_links_of_pages_are_left_to_paging_and_others_are_told() -> None:
    """RFC 8288; the address of a next page may hold secrets, its cursor is sealed."""
    assert told(Link='</a?page=2>; rel="next", </a?page=9>; rel=last') == {}
    assert told(Link='</a?page=2>; rel="next", </jobs/1>; rel="monitor"') == {"link": '</jobs/1>; rel="monitor"'}


def test_fields_are_bounded_and_without_unseen_characters() -> None:
    """An upstream cannot fill a model's context by its header."""
    assert told(ETag="x" * (MAX_FIELD_CHARS + 1), Location="/a\u200b\u202eb\udce4") == {"location": "/ab"}
    many = facts_of(200, {f"x-{number}-total": "y" * 1_000 for number in range(100)}, URL).told or {}
    assert 0 < sum(map(len, many.values())) <= 16_384


@pytest.mark.parametrize("said", ["", "²", "٣", "-1", "1.5", "9" * 5_000])
def test_what_somebody_sends_in_the_place_of_a_number_is_none(said: str) -> None:
    assert not is_number(said)


def test_an_answer_without_such_fields_says_nothing_of_them() -> None:
    """three-tools.md: members are there only when present."""
    facts = facts_of(200, {"content-type": "application/json", "server": "x"}, URL)
    assert (facts.told, facts.location) == (None, None)


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Case", "version": "1"},
    "paths": {
        "/t/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "readT",
                "responses": {
                    "200": {
                        "description": "ok",
                        "headers": {
                            "ETag": {"schema": {"type": "string"}},
                            "X-Plan": {"$ref": "#/components/headers/Plan"},
                            "Set-Cookie": {"schema": {"type": "string"}},
                            "X-Session-Id": {"schema": {"type": "string"}},
                        },
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            },
            "head": {"operationId": "headT", "responses": {"200": {"description": "ok"}}},
        }
    },
    "components": {"headers": {"Plan": {"schema": {"type": "string"}}}},
}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as up:
        yield up


def operation_of(upstream: Upstream, method: str) -> Operation:
    imported = import_document(json.dumps(DOCUMENT).encode(), provider="api", tenant_id=None, location="d.json", base_url=upstream.base_url)
    return next(each for each in imported.operations if each.binding["method"] == method)


async def test_declared_fields_reach_the_caller_in_both_forms_and_the_record(upstream: Upstream) -> None:
    """Case etag-if-match: the ETag can be given as If-Match, also when the answer comes from a record."""
    read = operation_of(upstream, "GET")
    upstream.answer(200, '{"n":"a"}', ETag='"v7"', X_Plan="gold", Set_Cookie="a=b", X_Session_Id="s", X_Unsaid="u")
    async with Egress(allow=["127.0.0.1:*"]) as egress:
        outcome = await OpenApiRunner(egress, KnownConnections()).run(call_of(read, {"id": "1"}))
    assert read.binding["response_headers"] == ["etag", "x-plan"]
    assert to_wire(outcome)["http"] == {"status": 200, "headers": {"etag": '"v7"', "x-plan": "gold"}}
    assert r'"etag":"\"v7\""' in to_text(outcome)
    replayed, _ = decode_outcome(encode_outcome(outcome, 1.0))
    assert to_wire(replayed)["http"] == to_wire(outcome)["http"]


async def test_a_head_tells_the_fields_that_it_is_for(upstream: Upstream) -> None:
    """RFC 9110 §9.3.2: there is nothing else in its answer."""
    upstream.answer(200, "", content_type="image/png", Last_Modified="Tue, 14 Nov 2023 22:14:00 GMT")
    async with Egress(allow=["127.0.0.1:*"]) as egress:
        outcome = await OpenApiRunner(egress, KnownConnections()).run(call_of(operation_of(upstream, "HEAD"), {"id": "1"}))
    assert outcome.http is not None
    assert (outcome.http.told or {})["content-type"] == "image/png"
    assert (outcome.http.told or {})["last-modified"] == "Tue, 14 Nov 2023 22:14:00 GMT"
