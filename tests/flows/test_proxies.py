"""The configurations of docs/guides/proxies.md, as they are printed, in the real programs, before a real gateway."""

import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.flows.mcp_client import connected
from tests.flows.person import Person
from tests.ports import free_port
from tests.server.mcp.requests import modern_body, modern_headers
from tests.tools.egress.certificate import Certificate, certificate
from tests.tools.sources.mcp.mcp_upstream import served
from tests.waiting import until, until_here

GUIDE = (REPOSITORY / "docs" / "guides" / "proxies.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(nginx|caddy|yaml)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Proxied:
    """A gateway behind a proxy: `base_url` is the proxy's."""

    gateway: RunningGateway
    base_url: str
    token: str
    certificate: Certificate

    @property
    def mcp_url(self) -> str:
        return f"{self.base_url}/mcp"

    def client(self, **options: Any) -> httpx2.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.certificate.file))
        return httpx2.AsyncClient(base_url=self.base_url, timeout=30, verify=context, **options)


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def nginx(folder: Path, port: int, gateway_port: int, held: Certificate) -> list[str]:
    text = _replaced(
        BLOCKS["nginx"],
        {
            "127.0.0.1:8080": f"127.0.0.1:{gateway_port}",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "/etc/ssl/certs/gateway.example.com.pem": str(held.file),
            "/etc/ssl/private/gateway.example.com.key": str(held.key_file),
        },
    )
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    process = f"daemon off; master_process off; pid {folder / 'pid'}; error_log stderr;"
    around = f"{process}\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}\n}}\n"
    (folder / "nginx.conf").write_text(around, encoding="utf-8")
    return [program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, port: int, gateway_port: int, held: Certificate) -> list[str]:
    site = f"https://127.0.0.1:{port} {{\n\ttls {held.file} {held.key_file}\n"
    text = _replaced(BLOCKS["caddy"], {"127.0.0.1:8080": f"127.0.0.1:{gateway_port}", "gateway.example.com {\n": site})
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}\n}}\n{text}", encoding="utf-8")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _replaced(text: str, places: dict[str, str]) -> str:
    for printed, here in places.items():
        assert text.count(printed) == 1, printed
        text = text.replace(printed, here)
    return text


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={"HOME": str(log.parent), "PATH": "/usr/bin:/bin"})
    try:
        until_here(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    program(request.param.__name__)
    folder = tmp_path_factory.mktemp(request.param.__name__)
    held = certificate(folder, "127.0.0.1")
    port, gateway_port = free_port(), free_port()
    base_url = f"https://127.0.0.1:{port}"
    extra = {
        "ASCEND_BASE_URL": base_url,
        "ASCEND_TRUSTED_PROXIES": "127.0.0.1",
        "ASCEND_EGRESS_ALLOW": "127.0.0.1:*",
    }
    with running_gateway(folder / "data", port=gateway_port, extra=extra) as gateway:
        minted = ascend_here("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=folder / "data", environ=extra)
        command = request.param(folder, port, gateway_port, held)
        with running(command, port, folder / "proxy.log"):
            yield Proxied(gateway, base_url, minted.stdout.strip(), held)


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


async def test_http_2_is_offered(proxied: Proxied) -> None:
    context = ssl.create_default_context(cafile=str(proxied.certificate.file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(proxied.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
        assert secured.selected_alpn_protocol() == "h2"


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
    transport = httpx2.AsyncHTTPTransport(
        local_address="127.0.0.2", verify=ssl.create_default_context(cafile=str(proxied.certificate.file))
    )
    async with httpx2.AsyncClient(base_url=proxied.base_url, transport=transport, timeout=30) as http:
        page = await http.get("/login", headers={"x-forwarded-for": "203.0.113.7"})
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        forged = {"x-forwarded-for": "203.0.113.7", "origin": proxied.base_url}
        wrong = await http.post("/login", data=fields | {"email": proxied.gateway.email, "password": "not this one"}, headers=forged)
        assert wrong.status_code == 400, wrong.text
    with sqlite3.connect(proxied.gateway.data_dir / "ascend.sqlite3") as store:
        query = "SELECT facts FROM security_events WHERE action = 'sign_in_failed' ORDER BY seq DESC LIMIT 1"
        [facts] = store.execute(query).fetchone()
    store.close()
    assert json.loads(facts)["address"] == "127.0.0.2"


async def test_metrics_are_closed_to_what_comes_through_the_proxy(proxied: Proxied) -> None:
    async with proxied.client() as http:
        assert (await http.get("/metrics")).status_code == 403

        async def is_ready() -> bool:
            return bool((await http.get("/readyz")).json()["status"] == "ready")

        await until(is_ready)
    async with httpx2.AsyncClient() as beside:
        assert (await beside.get(f"{proxied.gateway.base_url}/metrics")).status_code == 200


def test_the_configuration_for_traefik_is_whole() -> None:
    """It cannot be run here: what can be looked at is that it is YAML whose names refer to each other."""
    http = yaml.safe_load(BLOCKS["yaml"])["http"]
    router = http["routers"]["ascend"]
    balancer = http["services"][router["service"]]["loadBalancer"]
    assert set(router["middlewares"]) <= set(http["middlewares"])
    assert balancer["serversTransport"] in http["serversTransports"]
    assert (balancer["passHostHeader"], balancer["servers"]) == (True, [{"url": "http://127.0.0.1:8080"}])
