"""The configurations for reverse proxies, as they are shipped, in the real programs, before a real gateway."""

import json
import re
import sqlite3
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx2
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from server.config.settings import Settings
from tests.command_line import ascend_here
from tests.deploy.programs import needs_ipv6, program
from tests.deploy.reverse_proxies import DEPLOY, PROXIES, running
from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.flows.mcp_client import connected
from tests.flows.person import Person
from tests.ports import free_port
from tests.server.mcp.requests import modern_body, modern_headers
from tests.tools.egress.certificate import Certificate, certificate
from tests.tools.sources.mcp.mcp_upstream import served
from tests.waiting import until, until_here

FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Proxied:
    """A gateway behind a proxy: `base_url` is the proxy's."""

    gateway: RunningGateway
    base_url: str
    base_url_v6: str
    token: str
    certificate: Certificate

    @property
    def mcp_url(self) -> str:
        return f"{self.base_url}/mcp"

    def client(self, **options: Any) -> httpx2.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.certificate.file))
        return httpx2.AsyncClient(base_url=self.base_url, timeout=30, verify=context, **options)

    def is_ready(self) -> bool:
        """Say whether the proxy passes requests on to a gateway that is ready; Traefik takes a moment to read its certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate.file))
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.base_url}/readyz", verify=context, timeout=30).status_code == 200
        return False


@pytest.fixture(scope="module", params=sorted(PROXIES))
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Two gateways are named to the proxy: one listens by IPv6 as well, and the other one is away."""
    program(request.param)
    needs_ipv6()
    folder = tmp_path_factory.mktemp(request.param)
    held = certificate(folder, "127.0.0.1", "::1")
    gateway_port = free_port()
    upstreams = (f"127.0.0.1:{gateway_port}", f"[::1]:{free_port()}")
    with running(request.param, folder, upstreams, held) as places:
        base_url = f"https://127.0.0.1:{places.port}"
        extra = {"ASCEND_BASE_URL": base_url, "ASCEND_TRUSTED_PROXIES": "127.0.0.1", "ASCEND_EGRESS_ALLOW": "127.0.0.1:*"}
        options = ("--host", "::")
        with running_gateway(folder / "data", port=gateway_port, extra=extra, options=options) as gateway:
            minted = ascend_here("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=folder / "data", environ=extra)
            proxied = Proxied(gateway, base_url, f"https://[::1]:{places.port_v6}", minted.stdout.strip(), held)
            until_here(proxied.is_ready)
            yield proxied


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_signs_in_and_calls_through_the_proxy(proxied: Proxied, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-in pages, consent, the token call and POST /mcp, in both eras."""
    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate.file))
    async with connected(proxied.mcp_url, Person(proxied.gateway.email, proxied.gateway.password), mode) as client:
        answer = await client.call_tool("call_api", {"api": "crm.contacts.search", "args": {"query": "Ada"}})
        assert answer.structured_content is not None
        assert answer.structured_content["status"] == "ok"


async def test_the_challenge_leads_to_the_public_origin(proxied: Proxied) -> None:
    async with proxied.client() as http:
        response = await http.post("/mcp", json={})
        assert response.status_code == 401
        assert f'resource_metadata="{proxied.base_url}/.well-known/oauth-protected-resource/mcp"' in response.headers["www-authenticate"]


def test_requests_travel_by_http_2(proxied: Proxied) -> None:
    asked = ["curl", "--silent", "--http2", "--cacert", str(proxied.certificate.file), "--data", "{}", f"{proxied.base_url}/mcp"]
    shown = ["--output", str(proxied.certificate.file.with_name("answer")), "--write-out", "%{http_version} %{response_code}"]
    done = subprocess.run([program(asked[0]), *asked[1:], *shown], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "2 401"


async def test_a_gateway_that_is_away_costs_no_request(proxied: Proxied) -> None:
    """The other one of the two answers for it, writes too: nothing was sent where nobody listens."""
    async with proxied.client() as http:
        codes = [(await http.post("/token", content=b"", headers=FORM)).status_code for _ in range(12)]
        assert not [code for code in codes if code >= 500], codes


async def test_below_a_path_is_no_gateway(proxied: Proxied) -> None:
    """The gateway is the root of its name: nothing answers at a sub-path as if it were one."""
    async with proxied.client() as http:
        for path in ("/gateway/mcp", "/gateway/.well-known/oauth-authorization-server", "/gateway/token"):
            assert (await http.post(path, json={})).status_code in (404, 405)


async def test_another_host_is_not_answered_as_ours(proxied: Proxied) -> None:
    """The Host that a caller wrote arrives: by it the gateway (or the proxy before it) refuses names that lead here and are not ours."""
    async with proxied.client() as http:
        response = await http.post("/mcp", json={}, headers={"host": "elsewhere.example.com", "authorization": f"Bearer {proxied.token}"})
        assert response.status_code in (421, 404) or not response.content


@asynccontextmanager
async def two_steps(proxied: Proxied, folder: Path) -> AsyncIterator[anyio.Event]:
    """An API with one operation that answers at once and one that waits for the event."""
    may_end = anyio.Event()

    async def quick(_request: Request) -> JSONResponse:
        return JSONResponse({"done": True})

    async def slow(_request: Request) -> JSONResponse:
        await may_end.wait()
        return JSONResponse({"done": True})

    operation = {"responses": {"200": {"description": "done"}}}
    paths = {f"/{name}": {"get": operation | {"operationId": name, "summary": f"The {name} one"}} for name in ("quick", "slow")}
    app = Starlette(routes=[Route("/quick", quick), Route("/slow", slow)])
    async with served(app) as port:
        server = {"url": f"http://127.0.0.1:{port}"}
        document = {"openapi": "3.1.0", "info": {"title": "Two", "version": "1"}, "servers": [server], "paths": paths}
        (folder / "two.json").write_text(json.dumps(document), encoding="utf-8")
        command = ("import", "openapi", str(folder / "two.json"), "--provider", "two", "--shared")
        done = await anyio.to_thread.run_sync(lambda: ascend_here(*command, data_dir=proxied.gateway.data_dir))
        assert done.returncode == 0, done.stderr
        yield may_end
        may_end.set()


async def test_an_event_stream_is_not_held_back(proxied: Proxied, tmp_path: Path) -> None:
    """The first step's progress is read while the second step is still waiting: the test lets it end only then."""
    async with two_steps(proxied, tmp_path) as may_end, proxied.client() as http:
        steps: list[dict[str, Any]] = [{"id": name, "api": f"two.{name}.get", "args": {}} for name in ("quick", "slow")]
        body = modern_body("tools/call", {"name": "batch_execute", "arguments": {"steps": steps}}, meta={"progressToken": "p"})
        headers = modern_headers("tools/call", "batch_execute", authorization=f"Bearer {proxied.token}")
        events: list[str] = []
        kinds: list[str] = []

        async def has_run() -> bool:
            events.clear()
            async with http.stream("POST", "/mcp", json=body, headers=headers) as response:
                kinds.append(response.headers["content-type"])
                async for line in response.aiter_lines():
                    events.append(line)
                    if "quick: ok" in line:
                        may_end.set()
            return may_end.is_set()

        await until(has_run)  # the import is seen a moment later
        assert kinds[-1] == "text/event-stream"
        assert any('"status":"completed"' in line for line in events), events


async def test_a_body_above_the_limit_gets_the_gateways_own_sentence(proxied: Proxied) -> None:
    async with proxied.client() as http:
        headers = modern_headers("tools/call", "call_api", authorization=f"Bearer {proxied.token}")
        response = await http.post("/mcp", content=b" " * 4_400_000, headers=headers)
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/json"


async def test_a_body_with_an_upgrade_is_read_by_its_length(proxied: Proxied) -> None:
    """Two requests on one connection get two answers; the second is not what the first one's body says."""
    async with proxied.client() as http:
        for _ in range(2):
            upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQCAAAAAAIAAAAA"}
            response = await http.post("/token", content=b"grant_type=nothing&client_id=nobody", headers=FORM | upgrade)
            assert (response.status_code, "error" in response.json()) in ((400, True), (401, True)), response.text


async def test_the_callers_address_is_known_and_cannot_be_made_up(proxied: Proxied) -> None:
    """What the sign-in limits count and the audit keeps: the address that the proxy saw, whatever the caller wrote."""
    assert await address_of_failed_sign_in(proxied, proxied.base_url, "127.0.0.2") == "127.0.0.2"


async def test_a_caller_by_ipv6_is_known_by_that_address(proxied: Proxied) -> None:
    assert await address_of_failed_sign_in(proxied, proxied.base_url_v6, "::1") == "::/64"


async def address_of_failed_sign_in(proxied: Proxied, url: str, local_address: str) -> str:
    """Sign in wrongly from an address, with others in the headers; return whose the audit says that it was."""
    verify = ssl.create_default_context(cafile=str(proxied.certificate.file))
    transport = httpx2.AsyncHTTPTransport(local_address=local_address, verify=verify)
    ours = {"host": proxied.base_url.partition("//")[2]}
    async with httpx2.AsyncClient(base_url=url, transport=transport, timeout=30) as http:
        page = await http.get("/login", headers=ours | {"x-forwarded-for": "203.0.113.7"})
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        forged = ours | {"x-forwarded-for": "203.0.113.7", "origin": proxied.base_url}
        wrong_one = fields | {"email": proxied.gateway.email, "password": "not this one"}
        cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        wrong = await http.post("/login", data=wrong_one, headers=forged | {"cookie": cookies})
        assert wrong.status_code == 400, wrong.text
    with sqlite3.connect(proxied.gateway.data_dir / "ascend.sqlite3") as store:
        query = "SELECT facts FROM security_events WHERE action = 'sign_in_failed' ORDER BY seq DESC LIMIT 1"
        [facts] = store.execute(query).fetchone()
    store.close()
    return str(json.loads(facts)["address"])


async def test_metrics_are_closed_to_what_comes_through_the_proxy(proxied: Proxied) -> None:
    async with proxied.client() as http:
        assert (await http.get("/metrics")).status_code == 403

        async def is_ready() -> bool:
            return bool((await http.get("/readyz")).json()["status"] == "ready")

        await until(is_ready)
    async with httpx2.AsyncClient(timeout=30) as beside:
        assert (await beside.get(f"{proxied.gateway.base_url}/metrics")).status_code == 200


@pytest.mark.parametrize("name", sorted(PROXIES))
async def test_a_write_whose_answer_was_lost_is_not_sent_again(name: str, tmp_path: Path) -> None:
    """It may have happened: what two gateways are there for is a connection that is not taken, never a second try of a write."""
    taken: list[bytes] = []

    async def lose_it(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            head = await stream.receive()
            if head.startswith(b"POST"):
                taken.append(head)
            else:
                await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    held = certificate(tmp_path, "127.0.0.1")
    verify = ssl.create_default_context(cafile=str(held.file))
    ports = (free_port(), free_port())
    async with AsyncExitStack() as stack:
        listeners = [await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port) for port in ports]
        for listener in listeners:
            await stack.enter_async_context(listener)
        listening = await stack.enter_async_context(anyio.create_task_group())
        for listener in listeners:
            listening.start_soon(listener.serve, lose_it)
        with running(name, tmp_path, [f"127.0.0.1:{port}" for port in ports], held) as places:
            async with httpx2.AsyncClient(base_url=f"https://127.0.0.1:{places.port}", verify=verify, timeout=30) as http:

                async def is_passed_on() -> bool:
                    with suppress(httpx2.HTTPError):  # Traefik takes a moment to read its certificate.
                        return (await http.get("/readyz")).status_code == 200
                    return False

                await until(is_passed_on)
                assert (await http.post("/mcp", content=b"{}")).status_code == 502
        listening.cancel_scope.cancel()
    assert len(taken) == 1


def test_a_quiet_call_is_waited_for() -> None:
    """As long as a tool may take that reports progress (ASCEND_MCP_TOOL_TIMEOUT_S), and a little; Caddy waits without end."""
    longest_s = Settings(data_dir=Path()).mcp.mcp_tool_timeout_s
    nginx = re.search(r"proxy_read_timeout (\d+)s;", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    [transport] = yaml.safe_load((DEPLOY / "traefik.yaml").read_text(encoding="utf-8"))["http"]["serversTransports"].values()
    assert nginx is not None
    assert int(nginx[1]) > longest_s
    assert int(transport["forwardingTimeouts"]["responseHeaderTimeout"].removesuffix("s")) > longest_s
