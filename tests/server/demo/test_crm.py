"""The demo CRM over real HTTP: what a provider of operations must be like for the gateway's tests to mean something."""

from collections.abc import Iterator

import httpx2
import jsonschema_rs
import pytest

from server.demo.app import build
from server.demo.contract import contracts
from server.demo.operations import OPERATIONS
from tests.server.demo.listening import listening


@pytest.fixture
def crm() -> Iterator[httpx2.Client]:
    with listening(build()) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield client


def test_every_operation_of_the_document_is_served_and_no_other() -> None:
    """Issue 2: at least 20 operations, and the document tells the truth."""
    assert {contract.operation_id for contract in contracts()} == set(OPERATIONS)
    assert len(OPERATIONS) >= 20


def test_the_document_names_the_address_it_is_served_from(crm: httpx2.Client) -> None:
    """OpenAPI 3.1 §4.8.5: an importer needs an absolute server."""
    document = crm.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": str(crm.base_url).rstrip("/")}]
    assert "securitySchemes" not in document["components"]


def test_ada_lovelace_has_two_open_deals_and_one_won(crm: httpx2.Client) -> None:
    """Issue 2: the walk-through 'find the contact Ada and list her open deals'."""
    found = crm.get("/contacts/search", params={"query": "ada lovelace"}).json()["results"]
    assert [row["email"] for row in found] == ["ada.lovelace@analyticalengines.example"]
    stages = {
        stage: crm.get("/deals", params={"contact_id": found[0]["id"], "stage": stage}).json()["results"]
        for stage in ("open", "won", "lost")
    }
    assert {stage: len(rows) for stage, rows in stages.items()} == {"open": 2, "won": 1, "lost": 0}
    assert crm.get(f"/contacts/{found[0]['id']}/deals", params={"stage": "open"}).json()["results"] == stages["open"]


def test_pages_cover_every_row_once_while_rows_are_added(crm: httpx2.Client) -> None:
    """Issue 2: paginated lists; the cursor does not shift."""
    seen: list[str] = []
    after = None
    while True:
        answer = crm.get("/contacts", params={"limit": 50} | ({"after": after} if after else {})).json()
        seen += [row["id"] for row in answer["results"]]
        after = answer["paging"]["after"]
        if not answer["paging"]["has_more"]:
            break
        crm.post("/contacts", json={"first_name": "New", "last_name": "Row", "email": f"new{len(seen)}@example.com"})
    assert after is None
    assert len(seen) == len(set(seen)) >= 160


def test_answers_fit_their_response_schemas(crm: httpx2.Client) -> None:
    """OpenAPI: the response schemas are what `select` and `$ref` are checked against."""
    document = crm.get("/openapi.json").json()
    ids = {"contact_id": "con_1001", "company_id": "com_2001", "deal_id": "dea_4001", "note_id": "not_6001"}
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        query = {"query": "ada"} if path.endswith("/search") else {}
        answer = crm.get(path.format(**ids), params=query)
        assert answer.status_code == 200, path
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


def test_a_record_is_created_changed_and_deleted(crm: httpx2.Client) -> None:
    """Issue 2: writes are real."""
    made = crm.post("/contacts", json={"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"})
    assert made.status_code == 201
    at = f"/contacts/{made.json()['id']}"
    assert crm.patch(at, json={"phone": "+1 555 0100"}).json()["phone"] == "+1 555 0100"
    assert crm.delete(at).status_code == 204
    gone = crm.get(at)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_a_faulty_body_answers_every_fault_by_field(crm: httpx2.Client) -> None:
    """Issue 2: real error bodies."""
    answer = crm.post("/deals", json={"name": "", "amount": "many", "contact_id": "con_1001", "colour": "red"})
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["fields"]} == {"name", "amount", "body"}
    assert crm.post("/deals", content=b"{").status_code == 400
    assert crm.post("/deals", json={"name": "x", "amount": 1, "contact_id": "con_1"}).json()["fields"][0]["field"] == "contact_id"


def test_a_faulty_query_names_the_parameter(crm: httpx2.Client) -> None:
    """Issue 2: real error bodies, for unknown, missing, ill-typed and foreign values alike."""
    for path, field in (
        ("/contacts?limit=0", "limit"),
        ("/contacts?limit=ten", "limit"),
        ("/contacts?colour=red", "colour"),
        ("/contacts/search", "query"),
        ("/deals?stage=sold", "stage"),
        ("/deals?after=%00%ff", "after"),
        ("/deals?closing_before=tomorrow", "closing_before"),
    ):
        answer = crm.get(path)
        assert (answer.status_code, [fault["field"] for fault in answer.json()["fields"]]) == (422, [field]), path


def test_a_conflict_names_the_record_in_the_way(crm: httpx2.Client) -> None:
    """RFC 9110 §15.5.10."""
    body = {"first_name": "Ada", "last_name": "Again", "email": "Ada.Lovelace@AnalyticalEngines.example"}
    answer = crm.post("/contacts", json=body)
    assert (answer.status_code, answer.json()["existing_id"]) == (409, "con_1001")
    assert crm.delete("/contacts/con_1001").status_code == 409
    assert crm.post("/deals/dea_4003/close", json={"outcome": "won"}).status_code == 409


def test_closed_deals_of_a_deleted_contact_can_still_be_searched(crm: httpx2.Client) -> None:
    """A deal outlives its contact without one."""
    for deal_id in ("dea_4001", "dea_4002"):
        assert crm.post(f"/deals/{deal_id}/close", json={"outcome": "lost", "reason": "no budget"}).json()["stage"] == "lost"
    assert crm.delete("/contacts/con_1001").status_code == 204
    assert crm.get("/deals/search", params={"query": "punched"}).json()["results"][0]["contact_id"] is None


def test_a_repeated_idempotency_key_creates_one_record(crm: httpx2.Client) -> None:
    """draft-ietf-httpapi-idempotency-key-header: the same key and body answer the first result, another body is refused."""
    body = {"about_id": "con_1001", "text": "once"}
    answers = [crm.post("/notes", json=body, headers={"idempotency-key": "k1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert crm.post("/notes", json=body | {"text": "twice"}, headers={"idempotency-key": "k1"}).status_code == 409
    assert len(crm.get("/notes", params={"query": "once"}).json()["results"]) == 1


def test_answers_carry_a_request_id_and_the_rate_limit(crm: httpx2.Client) -> None:
    """Issue 2: what a call's `http` block is filled from."""
    answer = crm.get("/deals/dea_0", headers={"x-request-id": "mine"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine"
    assert int(answer.headers["x-ratelimit-remaining"]) < int(answer.headers["x-ratelimit-limit"])


def test_too_many_requests_answer_429_with_the_wait() -> None:
    """RFC 6585 §4."""
    with listening(build(requests_per_min=3, clock=lambda: 90.0)) as url, httpx2.Client(base_url=url, timeout=30) as crm:
        answers = [crm.get("/owners") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["retry-after"] == "30"


def test_the_pipeline_adds_up(crm: httpx2.Client) -> None:
    """Issue 2: a summary over all deals, in steps and in stages alike."""
    summary = crm.get("/pipeline/summary").json()
    assert sum(figures["count"] for figures in summary["stages"].values()) == 223
    assert sum(figures["amount"] for figures in summary["steps"].values()) == summary["stages"]["open"]["amount"]


def test_a_protected_crm_refuses_strangers_and_says_how_to_come_in() -> None:
    """RFC 9110 §11.6.1: a 401 carries a challenge; the document names the scheme."""
    with listening(build(api_key="k-123")) as url, httpx2.Client(base_url=url, timeout=30) as crm:
        refused = crm.get("/owners/me")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'ApiKey realm="demo-crm"')
        assert crm.get("/owners/me", headers={"x-api-key": "wrong"}).status_code == 401
        assert crm.get("/owners/me", headers={"x-api-key": "k-123"}).json()["id"] == "own_1"
        assert crm.get("/openapi.json").json()["components"]["securitySchemes"]["api_key"]["name"] == "X-API-Key"
