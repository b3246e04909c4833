"""The frame of `/v1/context` and `/v1/rag`: who may ask, what a URL means, what is refused before any operation is asked."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from oauth.audit import SecurityEvent
from oauth.principal import Principal
from oauth.resources import Resources
from oauth.tenants import Tenant, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.operator_issued import OperatorIssuedTokens
from oauth.tokens.revocation import Revocation
from server.config.load import load
from server.rest_api.callers import RestCallers
from server.rest_api.endpoint import RestEndpoint
from server.rest_api.front import RestFront
from server.storage.memory.oauth import MemoryClientStore, MemoryGrantStore
from tests.gateway import NOWHERE, SCOPES
from tools.operation import CallOptions, ClientInfo, Confirmation, Failure, Json, Outcome


@dataclass
class Door:
    """Answers every operation with what it was asked, and remembers who asked."""

    outcome: Outcome | None = None
    asked: list[tuple[Principal, str, Mapping[str, Json], CallOptions]] = field(default_factory=list)

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        trace_id: str | None = None,
        options: CallOptions = CallOptions(),
    ) -> Outcome:
        self.asked.append((principal, name, arguments, options))
        return self.outcome or Outcome("ok", data={"operation": name, "arguments": arguments})


@dataclass
class Frame:
    door: Door
    http: httpx2.AsyncClient
    token: str
    token_of_acme: str

    async def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)


class Audit:
    """Keeps nothing."""

    async def record(self, event: SecurityEvent) -> None: ...

    async def recent(self, tenant_id: str, limit: int = 100) -> Sequence[SecurityEvent]:
        return ()


@asynccontextmanager
async def framed(folder: Path) -> AsyncIterator[Frame]:
    settings, tenants = load(folder, {}, base_url=NOWHERE), Tenants([Tenant("default", "Default"), Tenant("acme", "Acme")])
    grants, clients, door = MemoryGrantStore(), MemoryClientStore(), Door()
    access_tokens = AccessTokens(grants)
    callers = RestCallers(access_tokens, tenants, settings, Revocation(grants, clients, Audit()))

    async def allowed(*_who: str) -> frozenset[str]:
        return SCOPES

    issued = OperatorIssuedTokens(grants, Resources(tenants, settings.mcp_url, settings.base_url), allowed)
    tokens = [(await issued.mint(tenant_id, "ada", SCOPES, 3600)).access_token for tenant_id in ("default", "acme")]
    app = RestFront(RestEndpoint(door, callers), Starlette())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=NOWHERE) as http:
        yield Frame(door, http, *tokens)


@pytest.fixture
async def frame(tmp_path: Path) -> AsyncIterator[Frame]:
    async with framed(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "path", "operation", "arguments"),
    [
        ("POST", "/v1/context/query", "context_query", {"query": "who"}),
        ("POST", "/v1/context/explain", "context_explain", {"query": "who"}),
        ("POST", "/v1/context/facts", "context_assert", {"query": "who"}),
        ("POST", "/v1/context/retract", "context_retract", {"query": "who"}),
        ("POST", "/v1/context/forget", "context_forget", {"query": "who"}),
        ("POST", "/v1/rag/search", "rag_search", {"query": "who"}),
        ("POST", "/v1/rag/query/", "rag_query", {"query": "who"}),
        (
            "GET",
            "/v1/context/entities/ent_1?as_of=2026-02-01",
            "context_query",
            {"entities": ["ent_1"], "limit": 20, "as_of": "2026-02-01"},
        ),
        ("GET", "/v1/context/proposals?decided=true", "context_proposals", {"decided": True}),
        ("GET", "/v1/context/entities/ent_1/proposals", "context_proposals", {"entity": "ent_1"}),
        ("POST", "/v1/context/link", "context_link", {"entity": "ent_1", "other": "ent_2", "decision": "same"}),
        ("GET", "/v1/rag/documents?limit=5", "rag_documents", {"limit": 5}),
        ("GET", "/v1/rag/documents/doc_1", "rag_documents", {"document_id": "doc_1"}),
        ("DELETE", "/v1/rag/documents/doc_1", "rag_delete", {"document_id": "doc_1"}),
    ],
)
async def test_each_url_is_one_operation(frame: Frame, method: str, path: str, operation: str, arguments: Json) -> None:
    """Context contract §3."""
    answer = await frame.send(method, path, **({"json": arguments} if method == "POST" else {}))
    assert answer.status_code == 200
    assert answer.json() == {"operation": operation, "arguments": arguments}
    assert frame.door.asked[0][0].tenant_id == "default"


async def test_the_tenant_is_the_tokens(frame: Frame) -> None:
    await frame.send("POST", "/v1/context/query", json={"tenant": "default"}, headers={"authorization": f"Bearer {frame.token_of_acme}"})
    assert frame.door.asked[0][0].tenant_id == "acme"


@pytest.mark.parametrize("path", ["/v1/context/query", "/v1/rag/documents/doc_1", "/v1/context/nothing"])
async def test_without_a_token_every_path_asks_for_one(frame: Frame, path: str) -> None:
    """RFC 6750 §3, RFC 9728 §5.1: and says where tokens come from."""
    for headers in ({}, {"authorization": "Bearer of-nobody"}):
        answer = await frame.http.post(path, json={}, headers=headers)
        assert answer.status_code == 401
        assert 'resource_metadata="http' in answer.headers["www-authenticate"]
        assert answer.json()["error"].keys() == {"code", "message", "hint", "faults"}
    assert not frame.door.asked


async def test_a_token_in_the_url_is_refused_and_ended(frame: Frame) -> None:
    """RFC 9700 §4.3.2."""
    assert (await frame.http.post(f"/v1/context/query?access_token={frame.token}", json={})).status_code == 400
    assert (await frame.send("POST", "/v1/context/query", json={})).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/context/query", "OPTIONS, POST"),
        ("PUT", "/v1/rag/documents/doc_1", "DELETE, GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/rag/documents", "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(frame: Frame, method: str, path: str, allowed: str) -> None:
    """RFC 9110 §15.5.6."""
    answer = await frame.send(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_an_address_that_is_none_names_those_that_are(frame: Frame) -> None:
    answer = await frame.send("GET", "/v1/context/entity/ent_1")
    assert answer.status_code == 404
    assert "/v1/context/entities/{}" in answer.json()["error"]["hint"]


async def test_head_is_get_without_the_content(frame: Frame) -> None:
    answer = await frame.send("HEAD", "/v1/rag/documents/doc_1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


async def test_pages_of_allowed_origins_may_call_and_others_learn_nothing(frame: Frame) -> None:
    """As at the MCP endpoint."""
    ours, theirs = {"origin": "http://localhost:5173"}, {"origin": "https://evil.example"}
    preflight = await frame.http.options("/v1/context/query", headers=ours | {"access-control-request-method": "POST"})
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert (await frame.send("POST", "/v1/context/query", json={}, headers=ours)).headers["access-control-allow-origin"] == "*"
    for answer in (
        await frame.http.options("/v1/context/query", headers=theirs),
        await frame.send("POST", "/v1/context/query", json={}, headers=theirs),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_arguments"),
        (b"[]", "application/json", 400, "invalid_arguments"),
        (b"\xff\xfe", "application/json", 400, "invalid_arguments"),
        (b"a=b", "application/x-www-form-urlencoded", 400, "invalid_arguments"),
        (b"<a/>", "application/xml", 415, "unsupported_media"),
        (b"--x--", "multipart/form-data; boundary=x", 415, "unsupported_media"),
        (b'"' + b"a" * (5 << 20) + b'"', "application/json", 413, "too_large"),
        (b"[" + b"0," * 1_500_000 + b"0]", "application/json", 413, "too_large"),
    ],
    ids=["broken", "list", "no UTF-8", "form", "XML", "multipart", "5 MB", "a million values"],
)
async def test_a_body_that_cannot_be_read_is_named(frame: Frame, content: bytes, media_type: str, status: int, code: str) -> None:
    answer = await frame.send("POST", "/v1/context/query", content=content, headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not frame.door.asked


async def test_a_document_comes_as_a_form_or_as_json(frame: Frame) -> None:
    """RFC 7578; 202, since it is read later."""
    files = {"file": ("C:\\docs\\notes.md", b"# Kahuna\n", "text/markdown")}
    answer = await frame.send("POST", "/v1/rag/documents", files=files, data={"metadata": '{"team": "sales"}', "name": "Notes"})
    assert answer.status_code == 202
    assert frame.door.asked[0][2] == {
        "name": "Notes",
        "media_type": "text/markdown",
        "metadata": {"team": "sales"},
        "content": "IyBLYWh1bmEK",
        "encoding": "base64",
    }
    assert (await frame.send("POST", "/v1/rag/documents", json={"name": "a", "content": "b"})).status_code == 202


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"no form", 400),
        (b'--x\r\ncontent-disposition: form-data; name="metadata"\r\n\r\n{\r\n--x--\r\n', 400),
        (b"a" * (29 << 20), 413),
    ],
    ids=["empty", "no form", "metadata that is no JSON", "29 MB"],
)
async def test_a_form_that_cannot_be_read_is_named(frame: Frame, content: bytes, status: int) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await frame.send("POST", "/v1/rag/documents", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


async def test_what_cannot_be_undone_asks_first_and_takes_the_yes(frame: Frame) -> None:
    frame.door.outcome = Outcome("needs_confirmation", confirmation=Confirmation("c_1", "Forget it?", 600))
    answer = await frame.send("POST", "/v1/context/forget", json={"entity": "ent_1"})
    assert answer.status_code == 428
    assert answer.json()["confirm"] == "c_1"
    assert answer.json()["error"]["code"] == "needs_confirmation"
    await frame.send("POST", "/v1/context/forget", json={"entity": "ent_1", "confirm": "c_1"})
    await frame.send("DELETE", "/v1/rag/documents/doc_1?confirm=c_2")
    assert [(arguments, options.confirm) for _, _, arguments, options in frame.door.asked[1:]] == [
        ({"entity": "ent_1"}, "c_1"),
        ({"document_id": "doc_1"}, "c_2"),
    ]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Failure("not_found", "there is no such fact"), 404),
        (Failure("bad_time", "'soon' is no time"), 400),
        (Failure("rate_limited", "50 an hour", retry_after_s=7.2), 429),
        (Failure("encrypted", "it needs a password"), 422),
        (Failure("internal_error", "it failed"), 500),
    ],
    ids=lambda each: each.code if isinstance(each, Failure) else "",
)
async def test_a_refusal_keeps_the_contracts_words_and_has_the_status_of_http(frame: Frame, failure: Failure, status: int) -> None:
    frame.door.outcome = Outcome("error", error=failure)
    answer = await frame.send("POST", "/v1/context/query", json={})
    error = answer.json()["error"]
    assert answer.status_code == status
    assert (error["code"], error["message"], error["faults"]) == (failure.code, failure.message, [])
    assert answer.headers.get("retry-after") == ("7" if failure.retry_after_s else None)


async def test_a_token_without_the_scope_is_told_which_to_ask_for(frame: Frame) -> None:
    """RFC 6750 §3.1."""
    missing = frozenset({"context:write"})
    frame.door.outcome = Outcome("error", error=Failure("insufficient_scope", "it needs context:write", missing_scopes=missing))
    answer = await frame.send("POST", "/v1/context/facts", json={})
    assert answer.status_code == 403
    assert "context:write" in answer.headers["www-authenticate"]


async def test_an_argument_that_a_url_does_not_take_is_named(frame: Frame) -> None:
    answer = await frame.send("GET", "/v1/rag/documents?tenant=acme")
    assert answer.status_code == 400
    assert "'tenant'" in answer.json()["error"]["message"]
