"""What a call sends: credentials, uploads, pages, idempotency keys; and what a dry run shows of it."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from oauth.connections.credentials import Credential, Readiness
from oauth.connections.errors import ConnectionNeeded, UnknownConnection
from tests.tools.sources.http.api_world import GET, ApiWorld
from tests.tools.sources.openapi.callable import ADA, call_of
from tools.errors import InvalidArguments
from tools.operation import CallOptions, Directions

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
    world: ApiWorld, security: list[Any], credential: Credential, target: str, headers: dict[str, str]
) -> None:
    """OpenAPI 3.1 §4.8.27: alternatives by the kind of credential, combinations all at once."""
    world.wallet.credential = credential
    world.upstream.answer()
    operation = world.operation(GET, security=security, components={"securitySchemes": SCHEMES})
    await world.run(operation, CallOptions(account="work"))
    assert world.wallet.asked[0][2] == "work"
    assert world.upstream.got[0].target == target
    assert headers.items() <= world.upstream.got[0].headers.items()


async def test_without_an_account_the_call_asks_for_one_and_sends_nothing(world: ApiWorld) -> None:
    """needs_connection."""
    operation = world.operation(GET, security=[{"oauth": ["a"]}], components={"securitySchemes": SCHEMES})
    with pytest.raises(ConnectionNeeded):
        await world.run(operation)
    assert world.wallet.asked == [("api", frozenset({"a"}), None)]
    assert not world.upstream.got


async def test_an_optional_credential_is_used_where_there_is_one(world: ApiWorld) -> None:
    """`security: [{}, …]` allows anonymous calls."""
    operation = world.operation(GET, security=[{}, {"oauth": []}], components={"securitySchemes": SCHEMES})
    world.upstream.answer()
    assert (await world.run(operation)).status == "ok"
    world.wallet.credential = Credential("bearer", "t")
    await world.run(operation)
    assert ["Authorization" in got.headers for got in world.upstream.got] == [False, True]


async def test_a_rejected_credential_that_was_refreshed_meanwhile_goes_out_once_more(world: ApiWorld) -> None:
    """A 401 happens before anything else does; the newer token is tried exactly once."""
    world.wallet.credential, world.wallet.newer = Credential("bearer", "old"), Credential("bearer", "new")
    world.upstream.answer(401, "{}")
    world.upstream.answer(200, '{"ok": true}')
    operation = world.operation(GET, "post", security=[{"oauth": []}], components={"securitySchemes": SCHEMES})
    assert (await world.run(operation)).status == "ok"
    assert [got.headers["Authorization"] for got in world.upstream.got] == ["Bearer old", "Bearer new"]


async def test_a_credential_that_is_refused_is_named_with_the_way_out(world: ApiWorld) -> None:
    """401: the caller learns which account it was, and where it is connected again."""
    world.wallet.credential = Credential("api_key", "wrong", alias="mine")
    world.upstream.answer(401, '{"detail": "bad key"}')
    operation = world.operation(GET, security=[{"key": []}], components={"securitySchemes": SCHEMES})
    failure = (await world.run(operation)).error
    assert failure is not None
    assert (failure.code, failure.message) == ("upstream_unauthorized", "api answered 401: bad key")
    assert failure.hint is not None
    assert "connections.connect with provider 'api' and account 'mine'" in failure.hint


async def test_an_account_may_live_at_its_own_address(world: ApiWorld) -> None:
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


async def test_a_kept_result_can_be_uploaded_by_its_handle(world: ApiWorld) -> None:
    """Files go up as result handles, without passing through the model."""
    handle = await world.results.put(ADA, b"\x89PNG\r\n", "image/png", 60)
    world.upstream.answer()
    outcome = await world.run(world.operation(UPLOAD, "post"), name="a", file={"handle": handle, "filename": 'a"b.png'})
    assert outcome.status == "ok"
    body = world.upstream.got[0].body
    assert b'name="file"; filename="a%22b.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n--' in body


async def test_a_handle_of_somebody_else_is_unknown(world: ApiWorld) -> None:
    """A handle is for the principal that got it and nobody else."""
    handle = await world.results.put(replace(ADA, subject="bob"), b"secret", "text/plain", 60)
    failure = (await world.run(world.operation(UPLOAD, "post"), file={"handle": handle})).error
    assert failure is not None
    assert failure.code == "invalid_arguments"
    assert not world.upstream.got


async def test_bytes_go_up_as_they_are(world: ApiWorld) -> None:
    """application/octet-stream."""
    node = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}, "responses": {}}
    world.upstream.answer()
    await world.run(world.operation(node, "put"), body=base64.b64encode(b"\x00\x01").decode())
    assert world.upstream.got[0].body == b"\x00\x01"
    assert world.upstream.got[0].headers["Content-Type"] == "application/octet-stream"


async def test_a_request_without_a_body_names_no_media_type(world: ApiWorld) -> None:
    """RFC 9110 §8.3."""
    world.upstream.answer()
    await world.run(world.operation(GET, "post"))
    assert "Content-Type" not in world.upstream.got[0].headers


async def test_a_next_page_is_followed_on_its_own_origin_only(world: ApiWorld) -> None:
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


async def test_the_idempotency_key_reaches_an_upstream_that_takes_one(world: ApiWorld) -> None:
    """A repeated write is then harmless there too; any text will do as a key, and the dry run shows what is sent."""
    operation, options = world.operation(KEYED, "post"), CallOptions(idempotency_key="k-1\r\nEvil: \u202e")
    world.upstream.answer()
    world.upstream.answer()
    await world.run(operation, options)
    await world.run(operation, options)
    first, second = (request.headers["Idempotency-Key"] for request in world.upstream.got)
    assert first == second
    assert (await world.runner.preview(call_of(operation, {}, options)))["headers"]["Idempotency-Key"] == first
    await world.run(operation, options, idempotency_key="my own")
    assert world.upstream.got[-1].headers["Idempotency-Key"] == "my own"


async def test_the_same_key_of_another_subject_or_tenant_is_another_key_upstream(world: ApiWorld) -> None:
    """Subjects share one account upstream: it must not answer one of them with what another one wrote."""
    operation, options = world.operation(KEYED, "post"), CallOptions(idempotency_key="k-1")
    for principal in (ADA, replace(ADA, subject="bob"), replace(ADA, tenant_id="other")):
        world.upstream.answer()
        await world.runner.run(replace(call_of(operation, {}, options), principal=principal))
    assert len({request.headers["Idempotency-Key"] for request in world.upstream.got}) == 3


async def test_a_dry_run_of_arguments_that_cannot_be_sent_fails(world: ApiWorld) -> None:
    """three-tools.md, call_api: dry_run validates; a model must not read it as a go-ahead."""
    operation = world.operation(
        {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}], "responses": {}}, path="/things/{id}"
    )
    with pytest.raises(InvalidArguments, match=r"arguments\.id: '\.\.' cannot be a part of the path"):
        await world.runner.preview(call_of(operation, {"id": ".."}))


async def test_a_dry_run_shows_the_exact_request_with_its_secrets_masked(world: ApiWorld) -> None:
    """three-tools.md, call_api: dry_run."""
    node = {
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
        "requestBody": UPLOAD["requestBody"],
        "responses": {},
    }
    world.wallet.credential = Credential("api_key", "very-secret")
    operation = world.operation(node, "post", security=[{"key": []}], components={"securitySchemes": SCHEMES})
    shown = await world.runner.preview(call_of(operation, {"q": "a b", "file": {"text": "hello"}}))
    assert shown["method"] == "POST"
    assert shown["url"] == f"{world.upstream.base_url}/things?q=a%20b&key=***"
    assert "<5 bytes>" in shown["body"]
    assert "very-secret" not in str(shown)
    assert not world.upstream.got


TWO_KINDS: dict[str, Any] = {
    "security": [{"token": []}, {"login": []}],
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "login": {"type": "http", "scheme": "basic"}}},
}


async def test_a_dry_run_shows_the_account_that_the_call_would_use(world: ApiWorld) -> None:
    """Accounts of one provider may prove themselves in different ways; the named one counts, else the default."""
    operation = world.operation(GET, **TWO_KINDS)
    world.wallet.ready = Readiness("api", "ready", ("work", "home"), "work", (), ("acc_1", "acc_2"), ("bearer", "basic"))

    async def authorization(account: str | None) -> str:
        return str((await world.runner.preview(call_of(operation, {}, CallOptions(account=account))))["headers"]["Authorization"])

    assert [await authorization(each) for each in (None, "work", "home", "acc_2")] == ["Bearer ***", "Bearer ***", "Basic ***", "Basic ***"]
    with pytest.raises(UnknownConnection):
        await world.runner.preview(call_of(operation, {}, CallOptions(account="hoem")))


async def test_a_dry_run_without_need_of_an_account_shows_the_one_that_goes_along(world: ApiWorld) -> None:
    """OpenAPI, Security Requirement Object: `{}` makes it optional; a call takes an account where there is one."""
    operation = world.operation(GET, **TWO_KINDS | {"security": [{}, {"token": []}]})
    assert "Authorization" not in (await world.runner.preview(call_of(operation, {})))["headers"]
    world.wallet.ready = Readiness("api", "ready", ("work",), "work", (), ("acc_1",), ("bearer",))
    assert (await world.runner.preview(call_of(operation, {})))["headers"]["Authorization"] == "Bearer ***"
