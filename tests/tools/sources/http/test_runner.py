"""One call of an imported operation over real HTTP: what goes out, and what the caller learns of the answer."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from oauth.connections.credentials import Credential, Readiness
from oauth.connections.errors import ConnectionNeeded, UnknownConnection
from oauth.principal import Principal
from server.mcp.answers import encoded
from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.upstream import Upstream
from tests.tools.sources.openapi.callable import ADA, call_of
from tests.tools.stand_ins import gateway
from tools.dispatch.wire import to_text, to_wire
from tools.egress.client import Egress
from tools.errors import InvalidArguments
from tools.operation import NO_DIRECTIONS, CallOptions, Directions, Download, LargeJson, Operation, Outcome, ResponseMeta
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

NOW = 1_700_000_000.0


@dataclass
class Wallet:
    """Credentials as a test sets them."""

    credential: Credential | None = None
    newer: Credential | None = None
    asked: list[tuple[str, frozenset[str], str | None]] = field(default_factory=list)
    ready: Readiness | None = None

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return self.ready or Readiness(provider, "ready" if self.credential else "needs_auth")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        self.asked.append((provider, scopes, account))
        if self.credential is None:
            raise ConnectionNeeded(self.readiness(principal, provider, scopes), "https://gateway.example/connect/1", "connect it")
        return self.credential

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return self.newer


@dataclass
class World:
    upstream: Upstream
    wallet: Wallet
    results: MemoryResultStore
    runner: OpenApiRunner

    def operation(self, node: dict[str, Any], method: str = "get", path: str = "/things", **root: Any) -> Operation:
        whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://elsewhere.example"}], "paths": {path: {method: node}}}
        raw = json.dumps(whole | root).encode()
        (operation,) = import_document(raw, provider="api", tenant_id=None, location="d.json", base_url=self.upstream.base_url).operations
        return operation

    async def run(
        self, operation: Operation, options: CallOptions = CallOptions(), directions: Directions = NO_DIRECTIONS, **arguments: Any
    ) -> Outcome:
        return await self.runner.run(replace(call_of(operation, arguments, options), directions=directions))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Upstream() as upstream, Egress(allow=["127.0.0.1:*"]) as egress:
        wallet, results = Wallet(), MemoryResultStore()
        yield World(upstream, wallet, results, OpenApiRunner(egress, wallet, results, clock=lambda: NOW))


GET: dict[str, Any] = {"responses": {}}


async def test_a_json_answer_is_data_with_the_facts_of_its_http(world: World) -> None:
    """three-tools.md, call_api: http{status, request_id, rate_limit}."""
    world.upstream.answer(
        200, '{"id": 1}', X_Request_Id="r-1", X_RateLimit_Remaining="7", X_RateLimit_Limit="10", Link='<?page=2>; rel="next"'
    )
    outcome = await world.run(world.operation(GET))
    assert outcome.status == "ok"
    assert outcome.data == {"id": 1}
    assert outcome.http is not None
    assert (outcome.http.status, outcome.http.request_id) == (200, "r-1")
    assert outcome.http.rate_limit == {"limit": 10, "remaining": 7}
    assert outcome.http.next_link == f"{world.upstream.base_url}/things?page=2"


async def test_an_error_keeps_the_upstreams_own_body(world: World) -> None:
    """Peers answer "HTTP 404" and lose the body (facts/peers.md)."""
    world.upstream.answer(404, '{"type":"about:blank","detail":"no contact con_9","trace":"t"}', content_type="application/problem+json")
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == "upstream_not_found"
    assert failure.message == "api answered 404: no contact con_9"
    assert failure.upstream == {"status": 404, "body": {"type": "about:blank", "detail": "no contact con_9", "trace": "t"}}
    assert not failure.retryable


@pytest.mark.parametrize(
    ("status", "headers", "method", "retryable", "wait_s"),
    [
        (429, {"Retry_After": "12"}, "post", True, 12.0),
        (429, {"Retry_After": "Tue, 14 Nov 2023 22:14:00 GMT"}, "get", True, 40.0),
        (429, {"X_RateLimit_Reset": "1700000030"}, "get", True, 30.0),
        (503, {"Retry_After": "5"}, "get", True, 5.0),
        (503, {}, "post", False, None),
        (500, {}, "put", True, None),
        (400, {}, "get", False, None),
        (409, {}, "post", False, None),
    ],
)
async def test_a_failure_says_whether_and_when_to_try_again(
    world: World, status: int, headers: dict[str, str], method: str, retryable: bool, wait_s: float | None
) -> None:
    """RFC 9110 §10.2.3; a server error on a write may have taken effect, so it is not called retryable."""
    world.upstream.answer(status, "busy", content_type="text/plain", **headers)
    failure = (await world.run(world.operation(GET, method))).error
    assert failure is not None
    assert (failure.retryable, failure.retry_after_s) == (retryable, wait_s)
    assert failure.upstream == {"status": status, "body": "busy"}
    assert len(world.upstream.got) == 1


async def test_a_page_of_html_does_not_become_the_message(world: World) -> None:
    """A proxy's error page says nothing to a model; it is still in upstream.body."""
    world.upstream.answer(502, "<html><h1>Bad gateway</h1></html>", content_type="text/html")
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.message == "api answered 502"
    assert failure.upstream == {"status": 502, "body": "<html><h1>Bad gateway</h1></html>"}


async def test_json_that_is_none_is_an_error_with_its_body(world: World) -> None:
    """Garbage under a JSON media type: one clear error."""
    world.upstream.answer(200, '{"id": 1')
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == "upstream_malformed"
    assert failure.upstream == {"status": 200, "body": '{"id": 1'}


async def test_an_empty_answer_is_ok_without_data(world: World) -> None:
    """204 and an empty 200."""
    world.upstream.answer(204, "", content_type="")
    outcome = await world.run(world.operation(GET, "delete"))
    assert (outcome.status, outcome.data) == ("ok", None)


async def test_text_is_decoded_and_a_file_is_a_download(world: World) -> None:
    """Downloads become handles; text is text in its own charset."""
    world.upstream.answer(200, "näive".encode("latin-1"), content_type="text/csv; charset=latin-1")
    world.upstream.answer(200, b"%PDF\x00", content_type="application/pdf", Content_Disposition="attachment; filename*=UTF-8''a%20b.pdf")
    assert (await world.run(world.operation(GET))).data == "näive"
    assert (await world.run(world.operation(GET))).data == Download(b"%PDF\x00", "application/pdf", "a b.pdf")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "upstream_rejected"),
        (401, "upstream_unauthorized"),
        (403, "upstream_forbidden"),
        (404, "upstream_not_found"),
        (405, "upstream_rejected"),
        (409, "upstream_conflict"),
        (422, "upstream_rejected"),
        (429, "upstream_rate_limited"),
        (500, "upstream_error"),
        (503, "upstream_error"),
    ],
)
async def test_each_status_has_its_code(world: World, status: int, code: str) -> None:
    """The codes of docs/guides/importing.md."""
    world.upstream.answer(status, "no")
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == code


async def test_an_etag_that_was_told_goes_back_as_it_came(world: World) -> None:
    """Case etag-if-match: the quotation marks are part of it (RFC 9110 §8.8.3)."""
    parameters = [{"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}]
    put = world.operation({"parameters": parameters, "responses": {}}, "put")
    assert list(put.input_schema["properties"]) == ["if_match"]
    world.upstream.answer(200, "{}", ETag='W/"v7"')
    etag = ((await world.run(put, if_match="*")).http or ResponseMeta(0)).told
    assert etag is not None
    assert etag == {"etag": 'W/"v7"'}
    await world.run(put, if_match=etag["etag"])
    assert world.upstream.got[-1].headers["If-Match"] == 'W/"v7"'


async def test_an_integer_of_any_size_comes_through_the_whole_door_unchanged(world: World) -> None:
    """Case json-bigint: in the answer, by select, as text and structured, from a handle, and from the record of a write."""
    number = 18446744073709551617
    rows = [{"id": number, "name": "x" * 400} for _ in range(200)]
    for node in (world.operation(GET), world.operation(GET, "post")):
        house = await gateway([node])
        house.runner.answers[node.id] = world.runner.run
        world.upstream.answers.clear()
        world.upstream.answer(200, json.dumps({"rows": rows, "least": -number}))
        for options in (
            {"select": "rows[0].id"},
            {"select": "rows[0].id", "idempotency_key": "k"},
            {"select": "rows[0].id", "idempotency_key": "k"},
        ):
            assert (outcome := await house.call("call_api", {"api": node.id, **options})).data == number
            assert f'"data":{number}' in to_text(outcome)
            assert f'"data":{number}'.encode() in encoded(to_wire(outcome))
        large = await house.call("call_api", {"api": node.id, "max_chars": 500})
        assert large.handle is not None
        read = await house.call("call_api", {"api": "result.read", "args": {"handle": large.handle, "select": "[rows[0].id, least]"}})
        assert read.data["data"] == [number, -number]


async def test_the_body_of_an_error_is_read_in_its_charset_too(world: World) -> None:
    """Case json-bom: an error body with a mark is parsed as well; text keeps its letters."""
    world.upstream.answer(400, b'\xef\xbb\xbf{"detail":"n\xc3\xa4"}')
    world.upstream.answer(400, b"n\xe4", content_type="text/plain; charset=latin-1")
    world.upstream.answer(400, b"n\xc3\xa4", content_type="text/plain; charset=idna")
    bodies = [(await world.run(world.operation(GET))).error for _ in range(3)]
    assert [(failure.upstream or {})["body"] for failure in bodies if failure] == [{"detail": "nä"}, "nä", "nä"]


async def test_a_redirect_that_is_not_followed_names_the_way_out_without_secrets(world: World) -> None:
    """Case post-307 and its neighbours: what is done may be done, and addresses are told without their query."""
    post, base = world.operation(GET, "post"), world.upstream.base_url
    for status, location in ((303, "/done?key=s3cret"), (302, "https://u:s3cret@elsewhere.example/things"), (301, f"{base}/things/")):
        world.upstream.answer(status, "", content_type="", Location=location)
    hints = [(await world.run(post)).error for _ in range(3)]
    said = [failure.hint or "" for failure in hints if failure]
    assert "may have taken effect" in said[0]
    assert f"{base}/done" in said[0]
    assert "https://elsewhere.example/things" in said[1]
    assert "slash" in (await _hint(world, "put", 301, f"{base}/things/"))
    assert "--base-url" in (await _hint(world, "put", 308, "https://elsewhere.example/things"))
    assert "s3cret" not in "".join(said)


async def _hint(world: World, method: str, status: int, location: str) -> str:
    world.upstream.answers.clear()
    world.upstream.answer(status, "", content_type="", Location=location)
    failure = (await world.run(world.operation(GET, method))).error
    assert failure is not None
    return failure.hint or ""


async def test_a_write_that_is_redirected_elsewhere_is_reported_not_repeated(world: World) -> None:
    """A body and a credential go to no other origin."""
    world.upstream.answer(307, "", content_type="", Location="https://evil.example/")
    failure = (await world.run(world.operation(GET, "post"))).error
    assert failure is not None
    assert failure.code == "upstream_redirected"
    assert "evil.example" in (failure.hint or "")


SCHEMES = {
    "key": {"type": "apiKey", "in": "query", "name": "key"},
    "basic": {"type": "http", "scheme": "basic"},
    "oauth": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://x", "scopes": {"a": ""}}}},
    "sid": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "app": {"type": "apiKey", "in": "header", "name": "X-App"},
}


@pytest.mark.parametrize(
    ("security", "credential", "target", "headers"),
    [
        ([{"oauth": ["a"]}], Credential("bearer", "t&1"), "/things", {"Authorization": "Bearer t&1"}),
        ([{"basic": []}], Credential("basic", "pw", username="me"), "/things", {"Authorization": "Basic bWU6cHc="}),
        ([{"key": []}], Credential("api_key", "k&1"), "/things?key=k%261", {}),
        ([{"sid": []}], Credential("api_key", "k;1"), "/things", {"Cookie": "sid=k%3B1"}),
        ([{"oauth": []}, {"key": []}], Credential("api_key", "k"), "/things?key=k", {}),
        ([{"key": [], "app": []}], Credential("api_key", '{"key": "k", "app": "a"}'), "/things?key=k", {"X-App": "a"}),
    ],
)
async def test_a_credential_goes_where_its_scheme_says(
    world: World, security: list[Any], credential: Credential, target: str, headers: dict[str, str]
) -> None:
    """OpenAPI 3.1 §4.8.27: alternatives by the kind of credential, combinations all at once."""
    world.wallet.credential = credential
    world.upstream.answer()
    operation = world.operation(GET, security=security, components={"securitySchemes": SCHEMES})
    await world.run(operation, CallOptions(account="work"))
    assert world.wallet.asked[0][2] == "work"
    assert world.upstream.got[0].target == target
    assert headers.items() <= world.upstream.got[0].headers.items()


async def test_without_an_account_the_call_asks_for_one_and_sends_nothing(world: World) -> None:
    """needs_connection."""
    operation = world.operation(GET, security=[{"oauth": ["a"]}], components={"securitySchemes": SCHEMES})
    with pytest.raises(ConnectionNeeded):
        await world.run(operation)
    assert world.wallet.asked == [("api", frozenset({"a"}), None)]
    assert not world.upstream.got


async def test_an_optional_credential_is_used_where_there_is_one(world: World) -> None:
    """`security: [{}, …]` allows anonymous calls."""
    operation = world.operation(GET, security=[{}, {"oauth": []}], components={"securitySchemes": SCHEMES})
    world.upstream.answer()
    assert (await world.run(operation)).status == "ok"
    world.wallet.credential = Credential("bearer", "t")
    await world.run(operation)
    assert ["Authorization" in got.headers for got in world.upstream.got] == [False, True]


async def test_a_rejected_credential_that_was_refreshed_meanwhile_goes_out_once_more(world: World) -> None:
    """A 401 happens before anything else does; the newer token is tried exactly once."""
    world.wallet.credential, world.wallet.newer = Credential("bearer", "old"), Credential("bearer", "new")
    world.upstream.answer(401, "{}")
    world.upstream.answer(200, '{"ok": true}')
    operation = world.operation(GET, "post", security=[{"oauth": []}], components={"securitySchemes": SCHEMES})
    assert (await world.run(operation)).status == "ok"
    assert [got.headers["Authorization"] for got in world.upstream.got] == ["Bearer old", "Bearer new"]


async def test_a_credential_that_is_refused_is_named_with_the_way_out(world: World) -> None:
    """401: the caller learns which account it was, and where it is connected again."""
    world.wallet.credential = Credential("api_key", "wrong", alias="mine")
    world.upstream.answer(401, '{"detail": "bad key"}')
    operation = world.operation(GET, security=[{"key": []}], components={"securitySchemes": SCHEMES})
    failure = (await world.run(operation)).error
    assert failure is not None
    assert (failure.code, failure.message) == ("upstream_unauthorized", "api answered 401: bad key")
    assert failure.hint is not None
    assert "connections.connect with provider 'api' and account 'mine'" in failure.hint


async def test_an_account_may_live_at_its_own_address(world: World) -> None:
    """Providers name an instance URL for each account."""
    world.wallet.credential = Credential("bearer", "t", api_base=world.upstream.base_url)
    operation = world.operation(GET, security=[{"oauth": []}], components={"securitySchemes": SCHEMES})
    moved = replace(operation, binding={**operation.binding, "base_url": "http://127.0.0.1:9/v1"}, content_hash="moved")
    world.upstream.answer()
    await world.run(moved)
    assert world.upstream.got[0].target == "/v1/things"


UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"name": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
                }
            }
        },
    },
    "responses": {},
}


async def test_a_kept_result_can_be_uploaded_by_its_handle(world: World) -> None:
    """Files go up as result handles, without passing through the model."""
    handle = await world.results.put(ADA, b"\x89PNG\r\n", "image/png", 60)
    world.upstream.answer()
    outcome = await world.run(world.operation(UPLOAD, "post"), name="a", file={"handle": handle, "filename": 'a"b.png'})
    assert outcome.status == "ok"
    body = world.upstream.got[0].body
    assert b'name="file"; filename="a%22b.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n--' in body


async def test_a_handle_of_somebody_else_is_unknown(world: World) -> None:
    """A handle is for the principal that got it and nobody else."""
    handle = await world.results.put(replace(ADA, subject="bob"), b"secret", "text/plain", 60)
    failure = (await world.run(world.operation(UPLOAD, "post"), file={"handle": handle})).error
    assert failure is not None
    assert failure.code == "invalid_arguments"
    assert not world.upstream.got


async def test_bytes_go_up_as_they_are(world: World) -> None:
    """application/octet-stream."""
    node = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}, "responses": {}}
    world.upstream.answer()
    await world.run(world.operation(node, "put"), body=base64.b64encode(b"\x00\x01").decode())
    assert world.upstream.got[0].body == b"\x00\x01"
    assert world.upstream.got[0].headers["Content-Type"] == "application/octet-stream"


async def test_a_request_without_a_body_names_no_media_type(world: World) -> None:
    """RFC 9110 §8.3."""
    world.upstream.answer()
    await world.run(world.operation(GET, "post"))
    assert "Content-Type" not in world.upstream.got[0].headers


async def test_a_next_page_is_followed_on_its_own_origin_only(world: World) -> None:
    """Link paging: the credential never goes to another origin."""
    world.wallet.credential = Credential("api_key", "k")
    operation = world.operation(GET, security=[{"key": []}], components={"securitySchemes": SCHEMES})
    world.upstream.answer()
    await world.run(operation, directions=Directions(follow=f"{world.upstream.base_url}/things?page=2&key=stale"))
    assert world.upstream.got[0].target == "/things?page=2&key=k"
    failure = (await world.run(operation, directions=Directions(follow="https://evil.example/things?page=2"))).error
    assert failure is not None
    assert failure.code == "upstream_malformed"
    assert len(world.upstream.got) == 1


KEYED: dict[str, Any] = {"parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}], "responses": {}}


async def test_the_idempotency_key_reaches_an_upstream_that_takes_one(world: World) -> None:
    """A repeated write is then harmless there too; any text will do as a key, and the dry run shows what is sent."""
    operation, options = world.operation(KEYED, "post"), CallOptions(idempotency_key="k-1\r\nEvil: \u202e")
    world.upstream.answer()
    world.upstream.answer()
    await world.run(operation, options)
    await world.run(operation, options)
    first, second = (request.headers["Idempotency-Key"] for request in world.upstream.got)
    assert first == second
    assert world.runner.preview(call_of(operation, {}, options))["headers"]["Idempotency-Key"] == first
    await world.run(operation, options, idempotency_key="my own")
    assert world.upstream.got[-1].headers["Idempotency-Key"] == "my own"


async def test_the_same_key_of_another_subject_or_tenant_is_another_key_upstream(world: World) -> None:
    """Subjects share one account upstream: it must not answer one of them with what another one wrote."""
    operation, options = world.operation(KEYED, "post"), CallOptions(idempotency_key="k-1")
    for principal in (ADA, replace(ADA, subject="bob"), replace(ADA, tenant_id="other")):
        world.upstream.answer()
        await world.runner.run(replace(call_of(operation, {}, options), principal=principal))
    assert len({request.headers["Idempotency-Key"] for request in world.upstream.got}) == 3


async def test_a_dry_run_of_arguments_that_cannot_be_sent_fails(world: World) -> None:
    """three-tools.md, call_api: dry_run validates; a model must not read it as a go-ahead."""
    operation = world.operation(
        {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}], "responses": {}}, path="/things/{id}"
    )
    with pytest.raises(InvalidArguments, match=r"arguments\.id: '\.\.' cannot be a part of the path"):
        world.runner.preview(call_of(operation, {"id": ".."}))


async def test_a_dry_run_shows_the_exact_request_with_its_secrets_masked(world: World) -> None:
    """three-tools.md, call_api: dry_run."""
    node = {
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
        "requestBody": UPLOAD["requestBody"],
        "responses": {},
    }
    world.wallet.credential = Credential("api_key", "very-secret")
    operation = world.operation(node, "post", security=[{"key": []}], components={"securitySchemes": SCHEMES})
    shown = world.runner.preview(call_of(operation, {"q": "a b", "file": {"text": "hello"}}))
    assert shown["method"] == "POST"
    assert shown["url"] == f"{world.upstream.base_url}/things?q=a%20b&key=***"
    assert "<5 bytes>" in shown["body"]
    assert "very-secret" not in str(shown)
    assert not world.upstream.got


TWO_KINDS: dict[str, Any] = {
    "security": [{"token": []}, {"login": []}],
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "login": {"type": "http", "scheme": "basic"}}},
}


async def test_a_dry_run_shows_the_account_that_the_call_would_use(world: World) -> None:
    """Accounts of one provider may prove themselves in different ways; the named one counts, else the default."""
    operation = world.operation(GET, **TWO_KINDS)
    world.wallet.ready = Readiness("api", "ready", ("work", "home"), "work", (), ("acc_1", "acc_2"), ("bearer", "basic"))

    def authorization(account: str | None) -> str:
        return str(world.runner.preview(call_of(operation, {}, CallOptions(account=account)))["headers"]["Authorization"])

    assert [authorization(each) for each in (None, "work", "home", "acc_2")] == ["Bearer ***", "Bearer ***", "Basic ***", "Basic ***"]
    with pytest.raises(UnknownConnection):
        world.runner.preview(call_of(operation, {}, CallOptions(account="hoem")))


async def test_a_dry_run_without_need_of_an_account_shows_the_one_that_goes_along(world: World) -> None:
    """OpenAPI, Security Requirement Object: `{}` makes it optional; a call takes an account where there is one."""
    operation = world.operation(GET, **TWO_KINDS | {"security": [{}, {"token": []}]})
    assert "Authorization" not in world.runner.preview(call_of(operation, {}))["headers"]
    world.wallet.ready = Readiness("api", "ready", ("work",), "work", (), ("acc_1",), ("bearer",))
    assert world.runner.preview(call_of(operation, {}))["headers"]["Authorization"] == "Bearer ***"


async def test_an_upstream_that_is_down_is_one_clear_error(world: World) -> None:
    """Nothing is raised for what an upstream may do."""
    operation = world.operation(GET)
    down = replace(operation, binding={**operation.binding, "base_url": "http://127.0.0.1:9"}, content_hash="down")
    failure = (await world.run(down)).error
    assert failure is not None
    assert failure.code == "upstream_unreachable"
    assert failure.retryable


@pytest.mark.parametrize(("method", "retryable"), [("get", True), ("post", False)])
async def test_a_connection_that_breaks_during_a_write_is_not_called_retryable(world: World, method: str, retryable: bool) -> None:
    """The upstream may have done its work before it went away; whoever repeats a write must look first."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        operation = world.operation(GET, method)
        broken = replace(operation, binding={**operation.binding, "base_url": f"http://127.0.0.1:{port}"}, content_hash=f"broken {method}")
        failure = (await world.run(broken)).error
    assert failure is not None
    assert (failure.code, failure.retryable) == ("upstream_reset", retryable)
    assert retryable or "may have taken effect" in (failure.hint or "")


MANY = b'{"rows": [' + b",".join(b'{"id": %d}' % number for number in range(70_000)) + b"]}"


async def test_a_heavy_answer_stays_text(world: World) -> None:
    """attacks.md: a 24 MB answer took 740 MB and stopped the loop for 1.4 s; objects of it are never made here."""
    world.upstream.answer(200, b"\xef\xbb\xbf" + MANY, Link='<?page=2>; rel="next"')
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, LargeJson)
    assert orjson.loads(outcome.data.text) == orjson.loads(MANY)
    assert outcome.http is not None
    assert outcome.http.next_link == f"{world.upstream.base_url}/things?page=2"


async def test_a_heavy_answer_that_is_no_json_is_malformed(world: World) -> None:
    """The same words as for a small one."""
    world.upstream.answer(200, MANY[:-1])
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == "upstream_malformed"
    assert failure.upstream is not None
    assert len(failure.upstream["body"]) < 70_000


async def test_a_heavy_text_is_read_by_its_charset(world: World) -> None:
    """Codecs of East Asia take up to half a second for 32 MB."""
    text = "日本語, " * 300_000
    world.upstream.answer(200, text.encode("shift_jis"), content_type="text/plain; charset=shift_jis")
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, LargeJson)
    assert orjson.loads(outcome.data.text) == text


async def test_a_heavy_file_is_a_file(world: World) -> None:
    """Whatever it looks like."""
    world.upstream.answer(200, b"\x89PNG" + b",[{" * 100_000, content_type="image/png")
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, Download)
    assert len(outcome.data.body) == 300_004


@pytest.mark.parametrize("status", [400, 503])
async def test_a_heavy_error_is_told_as_far_as_it_is_shown(world: World, status: int) -> None:
    """The body of an error is text then, cut and said so."""
    world.upstream.answer(status, MANY)
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.upstream is not None
    assert str(failure.upstream["body"]).endswith(f"… ({len(MANY)} bytes)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_RateLimit_Limit", "9" * 10_000),
        ("X_RateLimit_Remaining", "²"),
        ("Retry_After", "9" * 10_000),
        ("Retry_After", "1 " * 5_000),
        ("Link", "<" * 8_000),
        ("Link", "<http://[>; rel=next"),
        ("Content_Disposition", "filename*=" * 800),
        ("Content_Type", "text/plain; charset=" * 300),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
async def test_a_header_of_any_value_is_no_fault_of_ours(world: World, status: int, name: str, value: str) -> None:
    """Integers of 10,000 digits, dates of 10,000 characters, links without an end."""
    world.upstream.answer(status, "{}", **{name: value.encode().decode("latin-1")})
    outcome = await world.run(world.operation(GET))
    assert outcome.http is not None
    assert outcome.http.status == status
