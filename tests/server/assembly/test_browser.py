"""Browser tools as a gateway has them: there where a browser is named, with a scope of their own, through the same door as every call."""

import socket
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from server.app import Gateway
from server.config.errors import SettingsError
from server.config.load import load
from tests import gateway as gateways
from tests.chromium import CHROMIUM, needs_chromium
from tests.server.mcp.requests import modern_body, modern_headers

BROWSER = {"browser.screenshot", "browser.pdf", "browser.json", "browser.crawl"}
PAGE = b"<title>Prices</title><h1>Prices</h1><p class=price>3</p><img src='http://169.254.169.254/latest/meta-data'>"


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/", "/high") else 404)
        self.send_header("content-type", "text/html")
        page = PAGE + b"<div style='height:20000px'>" * (self.path == "/high")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def shop() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def gateway(tmp_path: Path, shop: int) -> AsyncIterator[Gateway]:
    settings = {"browser": CHROMIUM, "browser_allow": (f"127.0.0.1:{shop}",), "browser_sandbox": False}
    async with gateways.served(tmp_path / "data", **settings) as served:
        yield served


async def answer_of(gateway: Gateway, api: str, args: dict[str, Any]) -> dict[str, Any]:
    token = await gateways.token_for(gateway, await gateways.add_person(gateway), scopes=gateways.SCOPES)
    async with gateways.mcp_client(gateway, token) as client:
        answer = await client.call_tool("call_api", {"api": api, "args": args})
        found: dict[str, Any] | None = answer.structured_content
        assert found is not None
        return found


async def test_without_a_browser_there_are_no_such_operations(tmp_path: Path) -> None:
    async with gateways.opened(tmp_path / "data") as gateway:
        assert not BROWSER & gateway.operations.catalog.visible("default").operations_by_id.keys()


@needs_chromium
async def test_with_one_there_are_four_that_read_and_have_a_scope_of_their_own(gateway: Gateway) -> None:
    """None of them has started it yet."""
    known = gateway.operations.catalog.visible("default").operations_by_id
    assert known.keys() >= BROWSER
    assert {(known[name].access, known[name].required_scope) for name in BROWSER} == {("read", "browser:read")}


@needs_chromium
async def test_a_page_is_read_and_what_it_was_refused_is_said(gateway: Gateway, shop: int) -> None:
    args = {"url": f"http://127.0.0.1:{shop}/", "fields": {"price": ".price"}}
    answer = await answer_of(gateway, "browser.json", args)
    assert answer["status"] == "ok", answer
    assert answer["data"] == {"url": args["url"], "status": 200, "title": "Prices", "lang": "", "fields": {"price": "3"}}
    assert any("http://169.254.169.254" in note for note in answer["notes"])


@needs_chromium
async def test_a_picture_is_kept_for_whoever_asked(gateway: Gateway, shop: int) -> None:
    answer = await answer_of(gateway, "browser.screenshot", {"url": f"http://127.0.0.1:{shop}/", "format": "jpeg"})
    assert answer["status"] == "ok", answer
    assert answer["handle"]
    assert "image/jpeg" in str(answer)


@needs_chromium
async def test_a_picture_that_holds_not_all_of_the_page_says_so(gateway: Gateway, shop: int) -> None:
    answer = await answer_of(gateway, "browser.screenshot", {"url": f"http://127.0.0.1:{shop}/high", "full_page": True, "width": 2_000})
    assert answer["status"] == "ok", answer
    assert any("pixels high; the picture shows the first 8,000" in note for note in answer["notes"])


@needs_chromium
async def test_an_address_that_may_not_be_called_is_refused_before_a_browser_starts(gateway: Gateway) -> None:
    """What imported operations may call (ASCEND_EGRESS_ALLOW) is another list."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        answer = await answer_of(gateway, "browser.crawl", {"url": url})
    assert answer["error"]["code"] == "egress_refused"


@needs_chromium
async def test_a_token_without_the_scope_is_told_so(gateway: Gateway, shop: int) -> None:
    person = await gateways.add_person(gateway)
    token = await gateways.token_for(gateway, person, scopes=frozenset({"mcp", "crm:read"}))
    body = modern_body(
        "tools/call", {"name": "call_api", "arguments": {"api": "browser.pdf", "args": {"url": f"http://127.0.0.1:{shop}/"}}}
    )
    headers = modern_headers("tools/call", "call_api", authorization=f"Bearer {token}")
    async with httpx2.AsyncClient(timeout=30) as http:
        refused = await http.post(gateway.settings.mcp_url("default"), json=body, headers=headers)
    assert refused.status_code == 403
    assert "browser:read" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("place", ["/nowhere/chromium", "no-such-browser"])
async def test_a_browser_that_is_not_there_ends_the_start_with_the_setting(tmp_path: Path, place: str) -> None:
    with pytest.raises(SettingsError, match=f"ASCEND_BROWSER: '{place}' is no program here"):
        async with gateways.opened(tmp_path / "data", browser=place):
            raise AssertionError


@pytest.mark.parametrize("place", ["http://10.0.0.7:9222", "https://127.0.0.1:9222", "file:///usr/bin/chromium", "chromium --no-sandbox"])
def test_a_browser_elsewhere_or_a_command_line_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(SettingsError, match="ASCEND_BROWSER"):
        load(tmp_path, {"ASCEND_BROWSER": place})


@pytest.mark.parametrize("place", ["http://127.0.0.1:9222", "ws://[::1]:9222/devtools/browser/x", "/usr/bin/chromium", "chromium"])
def test_a_browser_on_this_machine_is_taken(tmp_path: Path, place: str) -> None:
    assert load(tmp_path, {"ASCEND_BROWSER": place}).browser.browser == place
