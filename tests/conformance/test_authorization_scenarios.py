"""Both `authorization` scenarios of the MCP conformance suite, against a real gateway; a person answers the printed URL."""

import re
from pathlib import Path

import anyio
import httpx2
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from tests.conformance.suite import SUITE, environment, read_checks
from tests.flows.gateway_process import RunningGateway
from tests.flows.person import Person
from tests.ports import free_port

LIMIT_S = 60


async def register(gateway: RunningGateway, redirect_uri: str) -> str:
    """Register a public client and return its id."""
    metadata = {"client_name": "conformance", "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none"}
    async with httpx2.AsyncClient(base_url=gateway.base_url, timeout=20) as http:
        response = await http.post("/register", json=metadata)
    assert response.status_code == 201, response.text
    return str(response.json()["client_id"])


async def printed_url(process: Process) -> str:
    """Return the authorization URL that the suite prints for its person."""
    assert process.stdout is not None
    printed = ""
    async for text in TextReceiveStream(process.stdout):
        printed += text
        if match := re.search(r"(http://\S+/authorize\?\S+)\s", printed):
            return match[1]
    raise AssertionError(f"the suite printed no authorization URL: {printed}")


async def answer(process: Process, person: Person, redirect_uri: str) -> None:
    """Do what the suite asks a person to do: open the URL, sign in, consent, and follow the redirect."""
    arrived = await person.authorize(await printed_url(process), redirect_uri)
    async with httpx2.AsyncClient(timeout=20) as browser:
        await browser.get(redirect_uri, params=arrived)


async def test_both_authorization_scenarios_pass(fixture_gateway: RunningGateway, tmp_path: Path) -> None:
    """authorization-server-metadata-endpoint and authorization-code-grant, without a failure or a warning."""
    gateway, port = fixture_gateway, free_port()
    redirect_uri = f"http://127.0.0.1:{port}/callback"
    out = tmp_path / "checks"
    command = ["node", str(SUITE), "authorization", "--url", gateway.base_url, "--client-id", await register(gateway, redirect_uri)]
    command += ["--resource", gateway.mcp_url, "-p", str(port), "-o", str(out)]
    async with await anyio.open_process(command, env=environment(), cwd=tmp_path) as process:
        with anyio.fail_after(LIMIT_S):
            await answer(process, Person(gateway.email, gateway.password), redirect_uri)
            code = await process.wait()
    checks = read_checks(out)
    assert {check.status for check in checks} <= {"SUCCESS", "INFO"}, checks
    assert {"authorization-server-metadata", "authorization-server-metadata-cimd"} <= {check.check_id for check in checks}
    assert any("authorization-code-grant" in check.scenario for check in checks)
    assert code == 0
