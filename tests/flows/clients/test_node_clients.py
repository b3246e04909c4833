"""Two clients of other makers, from npm: mcp-remote and the MCP Inspector's command line."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.conftest import REPOSITORY
from tests.flows.connecting import connect, new_person, token_of
from tests.flows.gateway_process import RunningGateway
from tests.flows.person import Person
from tests.ports import free_port
from tests.waiting import until_here

BINARIES = REPOSITORY / "node_modules" / ".bin"
LIMIT_S = 60
SEARCH = {"api": "crm.contacts.search", "args": {"query": "Ada"}}

pytestmark = pytest.mark.skipif(
    not (BINARIES / "mcp-remote").exists() or not (BINARIES / "node").exists(),
    reason="node modules are not installed; run `make conformance`",
)


def node_environment(home: Path) -> dict[str, str]:
    return {
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "HOME": str(home),
        "MCP_REMOTE_CONFIG_DIR": str(home / "mcp-remote"),
        "MCP_AUTO_OPEN_ENABLED": "true",
        "BROWSER": "true",
        # The Inspector's own port is the same for everybody on the machine.
        "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_port()}/oauth/callback",
        "MCP_INSPECTOR_SECRET_STORE": "file",
    }


def authorization_url_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the client prints where to sign in."""

    def found() -> re.Match[str] | None:
        return re.search(r"(http://127\.0\.0\.1:\d+/authorize\?\S+)", log.read_text(errors="replace"))

    until_here(lambda: found() is not None or process.poll() is not None)
    url = found()
    assert url is not None, log.read_text(errors="replace")[-2000:]
    return url[1]


def run_until(awaited: str, command: list[str], home: Path, person: Person) -> str:
    """Run a client that signs in through `person`'s browser until it prints `awaited` or ends; return what it printed."""
    home.mkdir(parents=True, exist_ok=True)
    out, log = home / "out", home / "log"
    with out.open("wb") as stdout, log.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, stdin=subprocess.PIPE, env=node_environment(home))
    try:
        anyio.run(person.finish, authorization_url_in(log, process))
        until_here(lambda: process.poll() is not None or awaited in log.read_text(errors="replace"))
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=10)
    return out.read_text(errors="replace") + log.read_text(errors="replace")


@pytest.mark.parametrize(("era", "name"), [("legacy", "127.0.0.1"), ("modern", "127.0.0.1"), ("modern", "localhost")])
def test_the_inspector_signs_in_and_lists_the_three_tools(gateway: RunningGateway, tmp_path: Path, era: str, name: str) -> None:
    """@modelcontextprotocol/inspector --cli, in both protocol eras; told `localhost`, its TypeScript SDK compares (clients.md, CL07)."""
    url = gateway.mcp_url.replace("127.0.0.1", name)
    command = [str(BINARIES / "mcp-inspector"), "--cli", url, "--transport", "http"]
    command += ["--method", "tools/list", "--format", "json", "--protocol-era", era]
    printed = run_until("(the end)", command, tmp_path, Person(gateway.email, gateway.password))
    assert [tool["name"] for tool in tools_in(printed)] == ["discover_apis", "call_api", "batch_execute"]


def tools_in(printed: str) -> list[dict[str, object]]:
    start = printed.index("{")
    value, _end = json.JSONDecoder().raw_decode(printed[start:])
    tools = value.get("tools") or value["result"]["tools"]
    assert isinstance(tools, list)
    return tools


def test_mcp_remote_bridges_the_gateway(gateway: RunningGateway, tmp_path: Path) -> None:
    """mcp-remote registers, signs in, and lists tools."""
    command = [str(BINARIES / "mcp-remote-client"), gateway.mcp_url, str(free_port()), "--host", "127.0.0.1"]
    printed = run_until("batch_execute", command, tmp_path, Person(gateway.email, gateway.password))
    assert "discover_apis" in printed
    assert shutil.which("node", path=str(BINARIES))


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_shows_the_link_and_then_the_answer(protected: RunningGateway, tmp_path: Path, era: str) -> None:
    """The Inspector declares no URL elicitation: it gets link and instructions, and after connecting the same call goes through."""
    person = anyio.run(new_person, protected, f"inspector-{era}@example.com")
    bearer = f"Authorization: Bearer {anyio.run(token_of, protected, person)}"
    command = [str(BINARIES / "mcp-inspector"), "--cli", protected.mcp_url, "--transport", "http", "--header", bearer]
    command += ["--method", "tools/call", "--tool-name", "call_api", "--tool-arg", "api=crm.contacts.search", 'args={"query": "Ada"}']
    command += ["--format", "json", "--protocol-era", era]

    def told() -> dict[str, Any]:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=node_environment(tmp_path))
        value, _end = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{") :])
        content: dict[str, Any] = value.get("result", value)["structuredContent"]
        return content

    needed = told()
    assert needed["status"] == "needs_connection"
    assert "show the person the url" in needed["note"]
    assert "Connected" in anyio.run(connect, person, needed["connection"]["url"])
    assert told()["data"]["results"][0]["last_name"] == "Lovelace"


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_through_mcp_remote_the_person_gets_the_link_either_way(protected: RunningGateway, tmp_path: Path, mode: Any) -> None:
    """mcp-remote passes 2026-07-28 on, question and all; of 2025-11-25 it bridges no URL mode, so there the link comes in words."""
    person = await new_person(protected, f"remote-{mode}@example.com")
    bearer = f"Authorization: Bearer {await token_of(protected, person)}"
    arguments = [str(BINARIES / "mcp-remote"), protected.mcp_url, "--host", "127.0.0.1", "--header", bearer]
    bridge = StdioServerParameters(command=str(BINARIES / "node"), args=arguments, env=node_environment(tmp_path))
    asked: list[str] = []

    async def open_for_person(_context: Any, params: Any) -> types.ElicitResult:
        asked.append(params.url)
        assert "Connected" in await connect(person, params.url)
        return types.ElicitResult(action="accept")

    callback: Any = open_for_person
    with (tmp_path / "log").open("w") as log:
        async with Client(stdio_client(bridge, errlog=log), mode=mode, elicitation_callback=callback) as client:
            told = (await client.call_tool("call_api", SEARCH)).structured_content
            assert told is not None
            if mode == "legacy":
                assert told["status"] == "needs_connection"
                assert "Connected" in await connect(person, told["connection"]["url"])
                told = (await client.call_tool("call_api", SEARCH)).structured_content
                assert told is not None
    assert told["status"] == "ok"
    assert len(asked) == (0 if mode == "legacy" else 1)
