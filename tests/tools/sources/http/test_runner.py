"""One call of an imported operation over real HTTP: what goes out, and what the caller learns of the answer."""

import json

import pytest

from server.mcp.answers import encoded
from tests.tools.model_text import to_text
from tests.tools.sources.http.api_world import GET, ApiWorld
from tests.tools.stand_ins import gateway
from tools.dispatch.wire import to_wire
from tools.operation import Download, ResponseMeta


async def test_a_json_answer_is_data_with_the_facts_of_its_http(world: ApiWorld) -> None:
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


async def test_an_error_keeps_the_upstreams_own_body(world: ApiWorld) -> None:
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
    world: ApiWorld, status: int, headers: dict[str, str], method: str, retryable: bool, wait_s: float | None
) -> None:
    """RFC 9110 §10.2.3; a server error on a write may have taken effect, so it is not called retryable."""
    world.upstream.answer(status, "busy", content_type="text/plain", **headers)
    failure = (await world.run(world.operation(GET, method))).error
    assert failure is not None
    assert (failure.retryable, failure.retry_after_s) == (retryable, wait_s)
    assert failure.upstream == {"status": status, "body": "busy"}
    assert len(world.upstream.got) == 1


async def test_a_page_of_html_does_not_become_the_message(world: ApiWorld) -> None:
    """A proxy's error page says nothing to a model; it is still in upstream.body."""
    world.upstream.answer(502, "<html><h1>Bad gateway</h1></html>", content_type="text/html")
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.message == "api answered 502"
    assert failure.upstream == {"status": 502, "body": "<html><h1>Bad gateway</h1></html>"}


async def test_json_that_is_none_is_an_error_with_its_body(world: ApiWorld) -> None:
    """Garbage under a JSON media type: one clear error."""
    world.upstream.answer(200, '{"id": 1')
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == "upstream_malformed"
    assert failure.upstream == {"status": 200, "body": '{"id": 1'}


async def test_an_empty_answer_is_ok_without_data(world: ApiWorld) -> None:
    """204 and an empty 200."""
    world.upstream.answer(204, "", content_type="")
    outcome = await world.run(world.operation(GET, "delete"))
    assert (outcome.status, outcome.data) == ("ok", None)


async def test_text_is_decoded_and_a_file_is_a_download(world: ApiWorld) -> None:
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
async def test_each_status_has_its_code(world: ApiWorld, status: int, code: str) -> None:
    """The codes of docs/guides/importing.md."""
    world.upstream.answer(status, "no")
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == code


async def test_an_etag_that_was_told_goes_back_as_it_came(world: ApiWorld) -> None:
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


async def test_an_integer_of_any_size_comes_through_the_whole_door_unchanged(world: ApiWorld) -> None:
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


async def test_the_body_of_an_error_is_read_in_its_charset_too(world: ApiWorld) -> None:
    """Case json-bom: an error body with a mark is parsed as well; text keeps its letters."""
    world.upstream.answer(400, b'\xef\xbb\xbf{"detail":"n\xc3\xa4"}')
    world.upstream.answer(400, b"n\xe4", content_type="text/plain; charset=latin-1")
    world.upstream.answer(400, b"n\xc3\xa4", content_type="text/plain; charset=idna")
    bodies = [(await world.run(world.operation(GET))).error for _ in range(3)]
    assert [(failure.upstream or {})["body"] for failure in bodies if failure] == [{"detail": "nä"}, "nä", "nä"]


async def test_a_redirect_that_is_not_followed_names_the_way_out_without_secrets(world: ApiWorld) -> None:
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


async def _hint(world: ApiWorld, method: str, status: int, location: str) -> str:
    world.upstream.answers.clear()
    world.upstream.answer(status, "", content_type="", Location=location)
    failure = (await world.run(world.operation(GET, method))).error
    assert failure is not None
    return failure.hint or ""


async def test_a_write_that_is_redirected_elsewhere_is_reported_not_repeated(world: ApiWorld) -> None:
    """A body and a credential go to no other origin."""
    world.upstream.answer(307, "", content_type="", Location="https://evil.example/")
    failure = (await world.run(world.operation(GET, "post"))).error
    assert failure is not None
    assert failure.code == "upstream_redirected"
    assert "evil.example" in (failure.hint or "")
