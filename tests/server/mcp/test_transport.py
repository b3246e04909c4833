"""Malformed requests get the protocol's own error: never a 500, never a stack trace."""

import socket
from collections.abc import Iterator
from functools import partial

import anyio
import httpx2
import orjson
import pytest
from starlette.types import Message

from server.origins import Callers
from server.request_body import MAX_BODY_BYTES, read_body
from tests.ports import free_port
from tests.server.importing.mcp_stand_in import StandInDispatcher, gateway, settings_for
from tests.server.live_server import serving
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers

LIST = orjson.dumps(modern_body("tools/list"))
CALL = orjson.dumps(modern_body("tools/call", {"name": "call_api", "arguments": {}}))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with serving(gateway(settings_for(port, tmp_path_factory.mktemp("gateway")), StandInDispatcher()), port) as url:
        yield url


@pytest.fixture
def http(origin: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=origin, timeout=10) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/acme"])
def test_other_methods_are_refused_only_after_authentication(http: httpx2.Client, method: str, path: str) -> None:
    """Contract: GET/DELETE 405 after authentication; clients look for the 401 first (facts: mcp §6.3.1)."""
    assert http.request(method, path).status_code == 401
    refused = http.request(method, path, headers=modern_headers("tools/list"))
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example.com"}, 421),
        ({"host": "127.0.0.1.evil.example.com"}, 421),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:1"}, 200),
        ({"origin": "http://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"content-type": "text/plain"}, 400),
        ({"accept": "text/html"}, 406),
    ],
)
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_foreign_hosts_origins_and_media_types_are_refused(http: httpx2.Client, era: str, headers: dict[str, str], status: int) -> None:
    """MCP transports, "Security Warning": Host and Origin keep DNS rebinding out."""
    own = modern_headers("tools/list") if era == "modern" else legacy_headers()
    body = LIST if era == "modern" else orjson.dumps(legacy_body("tools/list"))
    assert http.post("/mcp", content=body, headers=own | headers).status_code == status


@pytest.mark.parametrize("headers", [{"host": "evil.example.com"}, {"origin": "http://evil.example.com"}])
def test_foreign_hosts_learn_nothing_from_other_methods(http: httpx2.Client, headers: dict[str, str]) -> None:
    """The same protection for GET."""
    assert http.get("/mcp", headers=modern_headers("tools/list") | headers).status_code in (403, 421)


def test_a_body_over_4_mib_is_refused_with_the_limit(http: httpx2.Client) -> None:
    """Issue 2: oversized bodies get the protocol's own error."""
    response = http.post("/mcp", content=b"x" * (MAX_BODY_BYTES + 1), headers=modern_headers("tools/list"))
    assert response.status_code == 413
    assert response.json()["error"]["message"].startswith("request body is larger than 4194304 bytes")


def test_a_body_that_hides_its_size_is_refused_too(http: httpx2.Client) -> None:
    """Chunked bodies have no Content-Length to look at."""
    chunks = (b"x" * 65_536 for _ in range(80))
    assert http.post("/mcp", content=chunks, headers=modern_headers("tools/list")).status_code == 413


def test_a_body_of_exactly_4_mib_is_read(http: httpx2.Client) -> None:
    """The limit itself is allowed."""
    start, end = CALL.replace(b'"arguments":{}', b'"arguments":{"x":"').split(b'"x":"')
    padding = b"a" * (MAX_BODY_BYTES - len(start) - len(end) - len(b'"x":""}'))
    body = b'%b"x":"%b"}%b' % (start, padding, end)
    assert len(body) == MAX_BODY_BYTES
    assert http.post("/mcp", content=body, headers=modern_headers("tools/call", "call_api")).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe\x00", -32700),
        (b"[" * 50_000, -32700),
        (b"[]", -32600),
        (b"null", -32600),
        (b"17", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list","params":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{}}}', -32602),
    ],
)
def test_malformed_json_rpc_is_named_in_the_modern_era(http: httpx2.Client, body: bytes, code: int) -> None:
    """JSON-RPC 2.0 §5.1 and MCP 2026-07-28 "Per-request protocol fields"."""
    response = http.post("/mcp", content=body, headers=modern_headers("tools/list"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', b"\xff"])
def test_malformed_json_rpc_is_named_in_the_legacy_era(http: httpx2.Client, body: bytes) -> None:
    """MCP 2025-11-25: 400 with a JSON-RPC error."""
    response = http.post("/mcp", content=body, headers=legacy_headers())
    assert response.status_code == 400
    assert response.json()["error"]["code"] in (-32700, -32600, -32602)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"mcp-method": "tools/call"}, -32020),
        ({"mcp-method": ""}, -32020),
        ({"mcp-protocol-version": "2026-07-29"}, -32020),
    ],
)
def test_headers_that_contradict_the_body_are_refused(http: httpx2.Client, headers: dict[str, str], code: int) -> None:
    """MCP 2026-07-28 transports: HeaderMismatch."""
    response = http.post("/mcp", content=LIST, headers=modern_headers("tools/list") | headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_an_unknown_protocol_version_is_told_the_known_ones(http: httpx2.Client) -> None:
    """MCP 2026-07-28 versioning: -32022 with the supported list."""
    body = orjson.dumps(modern_body("tools/list")).replace(b"2026-07-28", b"2099-01-01")
    response = http.post("/mcp", content=body, headers=modern_headers("tools/list") | {"mcp-protocol-version": "2099-01-01"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32022
    assert response.json()["error"]["data"]["supported"] == ["2026-07-28"]


@pytest.mark.parametrize("method", ["resources/templates/list", "resources/list", "subscriptions/listen", "tasks/get", "tools/nothing"])
def test_a_method_that_we_do_not_serve_is_not_found(http: httpx2.Client, method: str) -> None:
    """MCP 2026-07-28 transports: 404 with -32601; the tool list is constant, so there is nothing to listen for."""
    params = {"notifications": {"toolsListChanged": True}} if method == "subscriptions/listen" else {}
    response = http.post("/mcp", json=modern_body(method, params), headers=modern_headers(method))
    assert (response.status_code, response.json()["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize("request_id", [None, {}, [], 1.5, True])
@pytest.mark.parametrize("era", [modern_headers("tools/list"), legacy_headers()], ids=["modern", "legacy"])
def test_a_request_with_an_id_that_is_none_is_not_taken_for_a_notification(
    http: httpx2.Client, era: dict[str, str], request_id: object
) -> None:
    """MCP, "Requests": the id is a string or an integer and never null; 202 would leave the client waiting for an answer."""
    for body in (modern_body("tools/list", request_id=request_id), legacy_body("tools/list", request_id=request_id)):
        response = http.post("/mcp", json=body, headers=era)
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32600)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", -32600),
        (b"[" + LIST + b"]", -32600),
        (b"null", -32600),
        (b'{"id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (LIST.replace(b'"params":{', b'"params":{"x":NaN,'), -32700),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"tools/list"}', -32700),
        (b"\xff", -32700),
        (b"", -32700),
    ],
)
def test_both_eras_name_a_fault_of_the_envelope_in_few_words(http: httpx2.Client, body: bytes, code: int) -> None:
    """JSON-RPC 2.0 §5.1: invalid request and parse error, in our words and not those of a validator."""
    for headers in (modern_headers("tools/list"), legacy_headers()):
        response = http.post("/mcp", content=body, headers=headers)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, code)
        assert len(error["message"]) < 100


def test_a_body_that_stops_coming_is_not_waited_for() -> None:
    """Half a body holds a connection and memory; the first half came, so there is somebody to tell."""
    parts = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(TimeoutError):
        anyio.run(partial(read_body, receive, timeout_s=0.01))


@pytest.mark.parametrize("arguments", [[], "x", 3])
def test_arguments_that_are_no_object_are_invalid_params(http: httpx2.Client, arguments: object) -> None:
    """MCP tools/call: arguments is an object."""
    body = modern_body("tools/call", {"name": "call_api", "arguments": arguments})
    response = http.post("/mcp", json=body, headers=modern_headers("tools/call", "call_api"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)


def test_whitespace_around_a_header_value_is_no_part_of_it(origin: str) -> None:
    """RFC 9110 §5.5; Python clients refuse to send it, so this one is written by hand."""
    headers = modern_headers("tools/call", "  call_api \t")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\nContent-Length: {len(CALL)}\r\n{lines}\r\n"
    with socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(head.encode() + CALL)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer


def test_a_client_that_leaves_in_the_middle_of_its_body_hurts_nobody(origin: str) -> None:
    """There is nobody to answer; the next request is served."""
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=10) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in modern_headers("tools/list").items())
            connection.sendall(f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 900\r\n{head}\r\nx".encode())
    assert httpx2.post(f"{origin}/mcp", content=LIST, headers=modern_headers("tools/list"), timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("base_url", "host", "is_ours"),
    [
        ("https://gw.example.com", "gw.example.com", True),
        ("https://gw.example.com", "gw.example.com:443", True),
        ("https://gw.example.com", "gw.example.com:8443", False),
        ("https://gw.example.com", "localhost:8080", False),
        ("https://gw.example.com:8443", "gw.example.com:8443", True),
        ("https://gw.example.com:8443", "gw.example.com", False),
        ("http://localhost", "localhost", True),
    ],
)
def test_our_hosts_are_those_of_the_public_origin(base_url: str, host: str, is_ours: bool) -> None:
    """Loopback names are ours only where the gateway is bound to loopback."""
    assert Callers(base_url).takes_host(host.encode()) is is_ours
