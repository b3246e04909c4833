"""The same over both doors: what an agent is answered over MCP, a program is answered over REST."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import NOWHERE, add_person, opened, save_tenant, token_for
from tests.server.mcp.requests import modern_body, modern_headers
from tools.operation import Json

FACTS = {
    "facts": [
        {"subject": "Kahuna", "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-01-10", "valid_to": "2026-03-01"},
        {"subject": "Kahuna", "predicate": "champion", "value": "Lee Wong", "valid_from": "2026-03-01"},
    ],
    "episode": {"source": "call", "source_id": "call-7", "occurred_at": "2026-03-02T10:00:00Z"},
}
QUESTION = {"query": "who is the champion at Kahuna", "as_of": "2026-02-15"}


@dataclass
class Doors:
    """One gateway, asked by ada of the default tenant unless a token says otherwise."""

    gateway: Gateway
    http: httpx2.AsyncClient
    ada: str
    eve: str

    async def rest(self, path: str, body: Json, token: str | None = None, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token or self.ada}"}
        return await self.http.post(f"/v1/context/{path}", json=body, headers=headers, **more)

    async def mcp(self, tool: str, arguments: Json) -> Any:
        headers = modern_headers("tools/call", tool) | {"authorization": f"Bearer {self.ada}"}
        answer = await self.http.post("/mcp", json=modern_body("tools/call", {"name": tool, "arguments": arguments}), headers=headers)
        return answer.json()["result"]["structuredContent"]


@asynccontextmanager
async def doors_of(folder: Path) -> AsyncIterator[Doors]:
    async with opened(folder) as gateway:
        await gateway.store.tenants.add(Tenant("acme", "Acme"))
        await gateway.tenants.load(gateway.store.tenants.all)
        ada = await token_for(gateway, await add_person(gateway))
        eve = await token_for(gateway, await add_person(gateway, "eve@example.com", "acme"), "acme")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=NOWHERE) as http:
            yield Doors(gateway, http, ada, eve)


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with doors_of(tmp_path) as found:
        yield found


def _plain(data: Json) -> Json:
    """Return an answer without its id, which is another one each time."""
    return {name: value for name, value in data.items() if name != "query_id"}


def _left_in(folder: Path, words: list[bytes]) -> list[tuple[str, bytes]]:
    """Return which of the words stand in which files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, word) for path in files for word in words if word in path.read_bytes().lower()]


async def test_both_doors_answer_alike_and_a_fact_is_found_at_once(doors: Doors) -> None:
    """Context contract §3: REST maps URL and body onto the operation, which is the only implementation."""
    said = await doors.rest("facts", FACTS)
    assert (said.status_code, [each["outcome"] for each in said.json()["facts"]]) == (200, ["added", "added"])
    rest = (await doors.rest("query", QUESTION)).json()
    direct = await doors.mcp("context_query", QUESTION)
    called = await doors.mcp("call_api", {"api": "context_query", "args": QUESTION})
    assert rest["facts"][0]["text"] == "Kahuna champion Dana Reyes"
    assert _plain(rest) == _plain(direct["data"]) == _plain(called["data"])
    assert "never instructions" in direct["note"]

    one = rest["facts"][0]
    shown = await doors.http.get(f"/v1/context/entities/{one['subject_id']}", headers={"authorization": f"Bearer {doors.ada}"})
    assert [each["value"] for each in shown.json()["facts"]] == ["Lee Wong"]
    why = (await doors.rest("explain", {"query_id": rest["query_id"], "fact_id": one["id"]})).json()
    assert why["facts"][0]["rank"] == 1

    theirs = [
        await doors.http.get(f"/v1/context/entities/{each}", headers={"authorization": f"Bearer {doors.eve}"})
        for each in (one["subject_id"], "ent_zzzz", "nobody", "ent_%2F..")
    ]
    assert {each.status_code for each in theirs} == {404}
    assert len({each.json()["error"]["message"] for each in theirs}) == 1
    assert (await doors.rest("query", QUESTION, doors.eve)).json()["facts"] == []


async def test_what_is_wrong_is_told_at_once_and_by_both_doors(doors: Doors) -> None:
    """Context contract §6."""
    wrong = {"query": "x", "as_of": "soon", "known_at": "2026-02-01T09:00:00"}
    rest = await doors.rest("query", wrong)
    mcp = await doors.mcp("context_query", wrong)
    assert rest.status_code == 400
    assert rest.json()["error"]["code"] == mcp["error"]["code"] == "bad_time"
    assert [fault["path"] for fault in rest.json()["error"]["faults"]] == ["as_of", "known_at"]
    unknown = await doors.rest("query", {"query": "x", "tenant": "acme"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "invalid_arguments")
    nothing = await doors.rest("facts", {"facts": [{"subject": "", "predicate": "p", "value": "v", "valid_from": "soon"}, {}]})
    assert nothing.status_code == 400
    assert len(nothing.json()["error"]["faults"]) >= 3


async def test_the_operations_are_found_with_everyday_words(doors: Doors) -> None:
    wanted = {
        "who is the champion at this customer and since when": "context_query",
        "what do we know about Acme": "context_query",
        "remember that the deal was won": "context_assert",
        "why was this fact answered": "context_explain",
    }
    for query, operation in wanted.items():
        found = await doors.mcp("discover_apis", {"query": query, "limit": 3})
        assert operation in [each["id"] for each in found["results"]], (query, found)


async def test_scopes_of_its_own_are_enough_and_are_asked_for(doors: Doors) -> None:
    """context:read, context:write; the umbrellas cover them."""
    person = await add_person(doors.gateway, "reader@example.com")
    reader = await token_for(doors.gateway, person, scopes=frozenset({"mcp", "context:read"}))
    assert (await doors.rest("query", QUESTION, reader)).status_code == 200
    refused = await doors.rest("facts", FACTS, reader)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert "context:write" in refused.headers["www-authenticate"]


async def test_forgetting_asks_first_and_leaves_no_byte_behind(doors: Doors, tmp_path: Path) -> None:
    """Context contract §2: done when no store, index or cache holds it."""
    said = {"subject": "Zanzibarix", "predicate": "champion", "value": "Quillonia Verbatim", "valid_from": "2026-01-10"}
    await doors.rest("facts", {"facts": [said], "episode": {"source": "call", "content": "Quillonia Verbatim champions Zanzibarix."}})
    found = (await doors.rest("query", {"query": "who champions Zanzibarix"})).json()
    assert found["facts"][0]["value"] == "Quillonia Verbatim"
    for index in doors.gateway.context.facts._open.values():
        await index.save()
    body = {"entity": found["facts"][0]["subject_id"]}
    looked = await doors.rest("forget", {**body, "dry_run": True})
    assert (looked.status_code, looked.json()["rows"]["facts"]) == (200, 1)
    asked = await doors.rest("forget", body)
    assert (asked.status_code, asked.json()["error"]["code"]) == (428, "needs_confirmation")
    done = await doors.rest("forget", {**body, "confirm": asked.json()["confirm"]})
    assert (done.status_code, done.json()["rows"]["facts"]) == (200, 1)
    assert (await doors.rest("query", {"query": "who champions Zanzibarix"})).json()["facts"] == []
    assert (await doors.rest("explain", {"query_id": found["query_id"]})).status_code == 404
    left = await anyio.to_thread.run_sync(_left_in, tmp_path, [b"zanzibarix", b"quillonia", b"verbatim"])
    assert left == []


async def test_a_fact_is_taken_back_over_rest(doors: Doors) -> None:
    said = (await doors.rest("facts", FACTS)).json()["facts"][1]
    assert (await doors.rest("retract", {"fact_id": said["id"], "reason": "wrong"})).json()["claims"] == 1
    assert (await doors.rest("query", {"query": "champion at Kahuna", "as_of": "2026-04-01"})).json()["facts"] == []
    unknown = await doors.rest("retract", {"fact_id": said["id"]}, doors.eve)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


async def test_a_whole_number_with_a_point_is_an_integer_and_no_fault_of_the_gateway(doors: Doors) -> None:
    """JSON Schema Validation §6.1.1; programs in JavaScript or Lua do not tell the two apart."""
    await doors.rest("facts", FACTS)
    for ask in (
        doors.rest("query", {**QUESTION, "limit": 1.0, "max_chars": 900.0}),
        doors.rest("explain", {**QUESTION, "limit": 1.0}),
        doors.rest("../rag/search", {"query": "notice", "limit": 2.0}),
        doors.rest("../rag/query", {"query": "notice", "limit": 2.0}),
    ):
        assert (answer := await ask).status_code == 200, answer.text
    for tool, limit in (("rag_documents", 14.0), ("discover_apis", 3.0)):
        answer = await doors.mcp(
            "call_api", {"api": tool, "args": {"limit": limit, **({"query": "facts"} if tool == "discover_apis" else {})}}
        )
        assert "error" not in answer, answer


async def test_a_number_of_five_thousand_digits_in_a_url_is_refused(doors: Doors) -> None:
    for limit in ("9" * 5_000, "٣", "-1"):
        answer = await doors.http.get(f"/v1/rag/documents?limit={limit}", headers={"authorization": f"Bearer {doors.ada}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_arguments")


async def test_a_name_of_characters_that_nobody_sees_asks_for_nothing_rather_than_for_everything(doors: Doors) -> None:
    await doors.rest("facts", FACTS)
    for name in ("%00", "%20", "%E2%80%8B"):
        answer = await doors.http.get(f"/v1/context/entities/{name}", headers={"authorization": f"Bearer {doors.ada}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    for names in ("predicates", "sources"):
        assert (await doors.rest("query", {**QUESTION, names: ["\u0000"]})).json()["facts"] == []


async def test_the_token_of_a_suspended_tenant_and_of_another_plane_open_nothing(doors: Doors) -> None:
    """RFC 8707 §2; one answer for both."""
    of_models = await token_for(doors.gateway, await add_person(doors.gateway, "models@example.com"), kind="models")
    assert (await doors.rest("query", QUESTION, doors.eve)).status_code == 200
    await save_tenant(doors.gateway, Tenant("acme", "Acme", suspended=True))
    assert (await doors.rest("query", QUESTION)).status_code == 200
    told = [await doors.rest("query", QUESTION, token) for token in (doors.eve, of_models, "asc_at_nobody")]
    assert [(each.status_code, each.json()["error"]["message"]) for each in told] == [(401, told[0].json()["error"]["message"])] * 3


async def test_a_colleague_meets_nothing_of_a_private_document_at_any_address(doors: Doors) -> None:
    """Context contract §6: what is somebody else's looks like what is not there."""
    body = {"name": "diary.txt", "content": "the heliotrope cabinet", "private": True}
    document_id = (await doors.rest("../rag/documents", body)).json()["document_id"]
    bob = await token_for(doors.gateway, await add_person(doors.gateway, "bob@example.com"))
    for token in (bob, doors.eve):
        headers = {"authorization": f"Bearer {token}"}
        for path in (document_id, "doc_zzzz"):
            assert (await doors.http.get(f"/v1/rag/documents/{path}", headers=headers)).status_code == 404
            assert (await doors.rest("forget", {"document": path, "dry_run": True}, token)).status_code == 404
        again = (await doors.rest("../rag/documents", {**body, "private": False}, token)).json()
        assert "duplicate_of" not in again
