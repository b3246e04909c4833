"""What clients of many kinds send to the gateway's own socket, and what people with browsers see."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest

from tests.command_line import ascend_here
from tests.flows.conftest import ALLOWED_ORIGIN
from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import connected
from tests.flows.person import Person
from tests.server.mcp.requests import legacy_body, legacy_headers

#: what java.net.http sends on plain http, unless told not to, and curl with --http2
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
INITIALIZE = legacy_body(
    "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "java", "version": "1"}}
)


@pytest.fixture(scope="module")
def token(gateway: RunningGateway) -> str:
    minted = ascend_here(
        "token", "mint", "--tenant", "default", "--user", gateway.email, "--scope", "mcp mcp:read", data_dir=gateway.data_dir
    )
    assert minted.returncode == 0, minted.stderr
    return minted.stdout.split()[-1]


@pytest.fixture
def http(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.base_url, timeout=20) as client:
        yield client


def exchange(gateway: RunningGateway, path: str, head: str, body: bytes, *, version: str = "1.1") -> tuple[str, bytes]:
    """Send one request, head and body apart, and return head and rest of what comes until the connection ends."""
    port = urlsplit(gateway.base_url).port
    with socket.create_connection(("127.0.0.1", int(port or 0)), timeout=20) as connection:
        lines = f"POST {path} HTTP/{version}\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n{head}\r\n"
        connection.sendall(lines.encode())
        connection.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer or (b"content-length" in answer.lower() and not _is_whole(answer)):
            if not (more := connection.recv(65536)):
                break
            answer += more
        if version == "1.0":
            while more := connection.recv(65536):
                answer += more
    start, _, rest = answer.partition(b"\r\n\r\n")
    return start.decode("latin-1").lower(), rest


def _is_whole(answer: bytes) -> bool:
    start, _, rest = answer.partition(b"\r\n\r\n")
    length = next(line.partition(b":")[2] for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(rest) >= int(length)


def test_a_client_that_offers_http_2_keeps_its_body(gateway: RunningGateway, token: str) -> None:
    """clients.md, CL42; RFC 9110 §7.8: Java clients lost every body on plain http."""
    registration = orjson.dumps(
        {"client_name": "java", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
    )
    head, body = exchange(gateway, "/register", f"{H2C}Content-Type: application/json\r\n", registration)
    assert head.startswith("http/1.1 201")
    client_id = orjson.loads(body)["client_id"]
    form = f"grant_type=refresh_token&refresh_token=none&client_id={client_id}".encode()
    head, body = exchange(gateway, "/token", f"{H2C}Content-Type: application/x-www-form-urlencoded\r\n", form)
    assert (head[:12], orjson.loads(body)["error"]) == ("http/1.1 400", "invalid_grant")
    fields = "".join(
        f"{name}: {value}\r\n"
        for name, value in ({**legacy_headers(accept="application/json"), "authorization": f"Bearer {token}"}).items()
    )
    head, body = exchange(gateway, "/mcp", H2C + fields, orjson.dumps(INITIALIZE))
    assert head.startswith("http/1.1 200")
    assert b'"protocolVersion":"2025-11-25"' in body


def test_a_body_after_an_upgrade_is_no_request_of_its_own(gateway: RunningGateway) -> None:
    """attacks.md, row 1: without a token, on every path."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head, body = exchange(gateway, "/mcp", f"{H2C}Connection: close\r\n", inner)
    assert head.startswith("http/1.1 401")
    assert b"HTTP/1.1" not in body


def test_http_1_0_gets_an_answer_that_it_can_read(gateway: RunningGateway, token: str) -> None:
    """clients.md, CL08; RFC 9112 §6.1: events, whose length nobody knows, end with the connection."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in (legacy_headers() | {"authorization": f"Bearer {token}"}).items())
    head, body = exchange(gateway, "/mcp", f"{fields}Connection: keep-alive\r\n", orjson.dumps(INITIALIZE), version="1.0")
    assert head.startswith("http/1.1 200")
    assert "transfer-encoding" not in head
    assert head.count("connection:") == 1
    assert body.lstrip().startswith(b"event: message")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_a_client_that_was_told_another_name_of_this_machine_connects(gateway: RunningGateway, name: str) -> None:
    """clients.md, CL07: the Python SDK compares the metadata with the URL that it was given."""
    url = gateway.mcp_url.replace("127.0.0.1", name)
    async with connected(url, Person(gateway.email, gateway.password), "auto") as client:
        assert len((await client.list_tools()).tools) == 3


def test_only_names_of_this_machine_change_what_metadata_says(http: httpx2.Client, gateway: RunningGateway) -> None:
    """RFC 9728 §3.3; a Host header of anybody else changes nothing."""
    port = urlsplit(gateway.base_url).port
    for host, origin in (
        (f"localhost:{port}", f"http://localhost:{port}"),
        (f"[::1]:{port}", f"http://[::1]:{port}"),
        ("evil.example", ""),
    ):
        base = origin or gateway.base_url
        document = http.get("/.well-known/oauth-protected-resource/mcp", headers={"host": host}).json()
        assert document["resource"] == f"{base}/mcp"
        assert document["authorization_servers"] == [gateway.base_url]
        challenge = http.post("/mcp", headers={"host": host}).headers["www-authenticate"]
        assert f'resource_metadata="{base}/.well-known/oauth-protected-resource/mcp"' in challenge


def test_blanks_around_a_token_are_none_of_it(http: httpx2.Client, token: str, gateway: RunningGateway) -> None:
    """clients.md, CL14; RFC 6750 §2.1, RFC 9110 §5.5."""
    for value in (f"Bearer  {token}", f"bearer   {token}", f"Bearer {token} ", f"Bearer {token}\t "):
        fields = legacy_headers() | {"authorization": value}
        head, _ = exchange(gateway, "/mcp", "".join(f"{name}: {text}\r\n" for name, text in fields.items()), orjson.dumps(INITIALIZE))
        assert head.startswith("http/1.1 200")
    for value in (f"Bearer{token}", f"Bearer {token} x", f"Basic {token}", "Bearer"):
        assert http.post("/mcp", headers={"authorization": value}).status_code == 401


@pytest.mark.parametrize("path", ["/mcp", "/token", "/register", "/.well-known/oauth-protected-resource/mcp"])
def test_a_browser_client_of_an_allowed_origin_may_call(http: httpx2.Client, token: str, path: str) -> None:
    """clients.md, CL29: preflight, challenge and answer."""
    asks = {
        "origin": ALLOWED_ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    preflight = http.options(path, headers=asks)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] in ("*", ALLOWED_ORIGIN)
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    refused = http.post("/mcp", headers={"origin": ALLOWED_ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    headers = legacy_headers() | {"authorization": f"Bearer {token}", "origin": ALLOWED_ORIGIN}
    answered = http.post("/mcp", json=INITIALIZE, headers=headers)
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "app://x"])
def test_a_page_of_another_origin_gets_no_permission(http: httpx2.Client, token: str, origin: str) -> None:
    """clients.md, CL29: the preflight said yes, and the request was refused."""
    preflight = http.options("/mcp", headers={"origin": origin, "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in http.post("/mcp", headers={"origin": origin}).headers
    headers = legacy_headers() | {"authorization": f"Bearer {token}", "origin": origin}
    assert http.post("/mcp", json=INITIALIZE, headers=headers).status_code == 403


def test_well_known_documents_are_there_with_a_slash_as_well(http: httpx2.Client) -> None:
    """clients.md, CL32: a client that was told `/mcp/` asks for just that."""
    for kind in ("oauth-protected-resource", "oauth-authorization-server", "openid-configuration"):
        plain, slash = (http.get(f"/.well-known/{kind}/mcp{end}") for end in ("", "/"))
        assert (slash.status_code, slash.json()) == (200, plain.json())


def test_a_person_who_opens_the_address_sees_how_to_connect(http: httpx2.Client, gateway: RunningGateway) -> None:
    """clients.md, page 7: it was raw JSON; programs get what they got."""
    browser = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for path in ("/mcp", "/mcp/", "/mcp/nobody-here"):
        page = http.get(path, headers=browser)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "claude mcp add" in page.text
    for path in ("/mcp", "/"):
        text = http.get(path, headers=browser).text
        assert "&#34;servers&#34;" in text or '"servers"' in text
        assert '"mcpServers"' in text.replace("&#34;", '"')
        assert gateway.mcp_url in text
    programs: list[dict[str, Any]] = [{}, {"accept": "*/*"}, {"accept": "text/event-stream"}, {"accept": "text/html, text/event-stream"}]
    for headers in programs:
        assert http.get("/mcp", headers=headers).status_code == 401
    assert http.get("/mcp", headers=browser | {"authorization": "Bearer x"}).status_code == 401
