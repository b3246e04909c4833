"""docs/guides/automation.md, followed in a terminal at a real gateway, which is then operated by an agent through itself."""

from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.ports import free_port


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    """And an agent with the right scope operates the gateway that it calls, within the role of the service behind it."""
    steps = list(steps_of("automation.md"))
    terminal, port = Terminal(tmp_path, {}), free_port()
    allowed = f"localhost:{port},127.0.0.1:{port}"
    with running_gateway(terminal.data, port=port, demo=False, extra={"ASCEND_EGRESS_ALLOW": allowed}) as gateway:
        terminal.replaced |= {"http://127.0.0.1:8080": gateway.base_url, "localhost:8080": f"localhost:{port}"}
        for step in steps[1:]:
            if step.kind == "python":
                (tmp_path / "admin_token.py").write_text(terminal.here(step.text), encoding="utf-8")
            elif step.kind == "yaml" and step.text.startswith("id:"):
                (tmp_path / "ascend-admin.yaml").write_text(terminal.here(step.text), encoding="utf-8")
            elif step.kind == "sh":
                terminal.follow(step)
        terminal.run("ascend user add ada@example.com --tenant default")
        mint = "ascend token mint --tenant default --user ada@example.com --scope"
        reader = terminal.run(f'{mint} "mcp ascend-admin:read"').strip()
        writer = terminal.run(f'{mint} "mcp ascend-admin:write"').strip()
        anyio.run(operated, gateway, reader, writer)


async def operated(gateway: RunningGateway, reader: str, writer: str) -> None:
    tenants = await called(gateway, reader, "ascend-admin.tenants.list", {})
    assert tenants.get("status") == "ok", tenants
    assert {row["id"] for row in tenants["data"]["items"]} == {"acme", "default"}
    one = await called(gateway, reader, "ascend-admin.tenants.get", {"key": "acme"})
    assert one["data"]["title"] == "Acme Corp"
    # The agent's scope lets it; the role of the service behind it does not.
    refused = await called(gateway, writer, "ascend-admin.tenants.update", {"key": "acme", "if_match": "*", "title": "x"})
    assert refused["status"] == "error", refused
    assert "takes the role operator; yours is auditor" in str(refused), refused


async def called(gateway: RunningGateway, token: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=40) as http,
        Client(streamable_http_client(gateway.mcp_url, http_client=http)) as client,
    ):
        answer = await client.call_tool("call_api", {"api": operation, "args": arguments})
        return dict(answer.structured_content or {})
