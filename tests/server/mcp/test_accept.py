"""Clients that take one type of answer, name no type, or speak a version that we do not: both eras, with and without the short way."""

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest

from server.mcp.accept import Accepted, accepted
from server.mcp.protocol_version import SUPPORTED
from tests.ports import free_port
from tests.server.importing.mcp_stand_in import StandInDispatcher, gateway, settings_for
from tests.server.live_server import serving
from tests.server.mcp.requests import LEGACY, events, legacy_body, legacy_headers, modern_body, modern_headers

ALLOWED = "https://inspector.example.com"


@pytest.fixture(scope="module", params=[True, False], ids=["lean", "sdk"])
def http(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    port = free_port()
    settings = settings_for(port, tmp_path_factory.mktemp("gateway"), allowed_origins=(ALLOWED,))
    with (
        serving(gateway(settings, StandInDispatcher(), has_fast_path=request.param), port) as url,
        httpx2.Client(base_url=url, timeout=10) as client,
    ):
        yield client


def ask(http: httpx2.Client, era: str, how: str | None, accept: str | None, **extra: str) -> httpx2.Response:
    params = {"name": "call_api", "arguments": {} if how is None else {"how": how}, "_meta": {"progressToken": "p"}}
    if era == "modern":
        body = modern_body("tools/call", params, meta=params["_meta"])  # type: ignore[arg-type]
        headers = modern_headers("tools/call", "call_api", **extra)
    else:
        body, headers = legacy_body("tools/call", params), legacy_headers(**extra)
    headers["accept"] = accept or ""
    request = http.build_request("POST", "/mcp", json=body, headers=headers)
    if accept is None:
        del request.headers["accept"]
    return http.send(request)


def result_of(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    is_stream = response.headers["content-type"].startswith("text/event-stream")
    message = events(response.text)[-1] if is_stream else response.json()
    return dict(message["result"]["structuredContent"])


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("how", [None, "progress"])
def test_a_client_is_answered_in_the_type_that_it_takes(http: httpx2.Client, era: str, how: str | None) -> None:
    """clients.md, CL15; RFC 9110 §12.5.1: progress is for those who take events, the result is for everybody."""
    expected = result_of(ask(http, era, how, "application/json, text/event-stream"))
    for accept in (None, "*/*", "application/*", "application/json", "application/json;q=0.5, text/event-stream;q=0", "APPLICATION/JSON"):
        response = ask(http, era, how, accept)
        assert result_of(response) == expected
        if accept not in (None, "*/*"):
            assert response.headers["content-type"] == "application/json"
    for accept in ("text/event-stream", "text/*", "text/event-stream; q=1, text/html"):
        response = ask(http, era, how, accept)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert result_of(response) == expected


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_client_that_takes_neither_type_is_told_both(http: httpx2.Client, era: str) -> None:
    """RFC 9110 §15.5.7."""
    for accept in ("text/html", "application/json;q=0", "image/*"):
        response = ask(http, era, None, accept)
        assert response.status_code == 406
        assert "application/json, text/event-stream" in response.json()["error"]["message"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_refusal_is_readable_in_every_type(http: httpx2.Client, era: str) -> None:
    """A missing scope is 403 with its challenge, also where only one type is taken."""
    for accept in ("application/json", "text/event-stream"):
        response = ask(http, era, "scope", accept)
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("media_type", [None, "application/json; charset=utf-8", "Application/JSON"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_a_body_of_json_is_read_however_it_is_announced(http: httpx2.Client, era: str, media_type: str | None, mark: bytes) -> None:
    """RFC 8259 §8.1: a byte order mark may be ignored, and several writers put one; RFC 9110 §8.3: no type is nobody's type."""
    response = post_body(http, era, media_type, mark)
    message = events(response.text)[-1] if response.text.startswith("event") else response.json()
    assert (response.status_code, "tools" in message["result"]) == (200, True)


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/json-seq"])
def test_a_body_of_another_type_is_told_which_it_must_be(http: httpx2.Client, era: str, media_type: str) -> None:
    """A web page's form is no call."""
    response = post_body(http, era, media_type, b"")
    assert (response.status_code, "application/json" in response.json()["error"]["message"]) == (400, True)


def post_body(http: httpx2.Client, era: str, media_type: str | None, mark: bytes) -> httpx2.Response:
    body, headers = (
        (modern_body("tools/list"), modern_headers("tools/list")) if era == "modern" else (legacy_body("tools/list"), legacy_headers())
    )
    kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    named = {} if media_type is None else {"content-type": media_type}
    return http.post("/mcp", content=mark + orjson.dumps(body), headers={**kept, **named})


def test_several_accept_headers_are_one_list() -> None:
    """RFC 9110 §5.3."""
    assert accepted([(b"accept", b"application/json"), (b"accept", b"text/event-stream")]) == Accepted(json=True, events=True)
    assert accepted([(b"accept", b" , ")]) == Accepted(json=True, events=True)


@pytest.mark.parametrize("version", ["2099-01-01", "1.0", "", "2025-11-25x"])
def test_a_version_that_we_do_not_speak_is_answered_with_those_that_we_do(http: httpx2.Client, version: str) -> None:
    """clients.md, CL17; MCP 2026-07-28, -32022."""
    response = http.post("/mcp", json=legacy_body("tools/list", request_id=7), headers=legacy_headers(version))
    assert response.status_code == 400
    message = response.json()
    assert (message["id"], message["error"]["code"]) == (7, -32022)
    assert message["error"]["data"] == {"supported": list(SUPPORTED), "requested": version}
    assert LEGACY in message["error"]["message"]


@pytest.mark.parametrize("version", ["2099-01-01", "1.0"])
def test_a_handshake_negotiates_whatever_the_header_says(http: httpx2.Client, version: str) -> None:
    """clients.md, CL17; MCP 2025-11-25, lifecycle: the body proposes, the server answers with one that it speaks."""
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "probe", "version": "1"}}
    response = http.post("/mcp", json=legacy_body("initialize", params), headers=legacy_headers(version))
    assert response.status_code == 200
    assert events(response.text)[-1]["result"]["protocolVersion"] == LEGACY


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_an_allowed_origin_may_call_and_one_that_begins_like_ours_may_not(http: httpx2.Client, era: str) -> None:
    """clients.md, CL29; attacks.md, last row."""
    assert ask(http, era, None, "*/*", origin=ALLOWED).status_code == 200
    for origin in (f"{str(http.base_url).rstrip('/')}.attacker.example", "https://inspector.example.com.evil.example", "null"):
        response = ask(http, era, None, "*/*", origin=origin)
        assert response.status_code == 403
        assert "ASCEND_ALLOWED_ORIGINS" in response.json()["error"]["message"]
