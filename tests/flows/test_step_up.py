"""What a person left out is asked for again where it is needed, with clients of other makers: one more consent, and the call works."""

import json
import subprocess
import threading
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest

from tests.conftest import REPOSITORY
from tests.flows.clients.test_node_clients import BINARIES, LIMIT_S, node_environment
from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import REDIRECT_URI, MemoryTokenStorage, connected
from tests.flows.person import Person
from tests.flows.test_main_job import call

SEARCH: dict[str, Any] = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
SCRIPT = REPOSITORY / "tests" / "flows" / "typescript_client.mjs"
needs_node = pytest.mark.skipif(
    not (BINARIES / "mcp-remote").exists() or not (BINARIES / "node").exists(),
    reason="node modules are not installed; run `make conformance`",
)


@pytest.fixture
def person(gateway: RunningGateway) -> Person:
    """Somebody who takes one tick away at the first consent and none later."""
    return Person(gateway.email, gateway.password, leaves_out=[{"mcp:read"}])


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_the_python_sdk_asks_again_for_what_was_left_out(gateway: RunningGateway, person: Person, mode: str) -> None:
    """403 insufficient_scope names what is held and what is missing; the second consent shows just that."""
    storage = MemoryTokenStorage()
    async with connected(gateway.mcp_url, person, mode, storage) as client:
        await client.list_tools()
        assert storage.tokens is not None
        assert "mcp:read" not in (storage.tokens.scope or "").split()
        found = await call(client, "discover_apis", ids=["crm.contacts.search"])
        assert found["results"][0]["needs_scopes"] == ["crm:read"]
        assert (await call(client, "call_api", **SEARCH))["status"] == "ok"
    assert {"crm:read", "mcp:read"} & set((storage.tokens.scope or "").split())
    assert len([page for page in person.pages if "asks for access" in page]) == 2


@needs_node
def test_the_typescript_sdk_asks_again_for_what_was_left_out(gateway: RunningGateway, person: Person, tmp_path: Any) -> None:
    """@modelcontextprotocol/client, version 2; version 1 refreshes its token on a 403 and gives up."""
    command = [str(BINARIES / "node"), str(SCRIPT), gateway.mcp_url, REDIRECT_URI, json.dumps({"name": "call_api", "arguments": SEARCH})]
    scopes: list[str] = []
    log, piped = tmp_path / "log", subprocess.PIPE
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdin=piped, stdout=piped, stderr=stderr, text=True, env=node_environment(tmp_path)) as client,
    ):
        assert client.stdin is not None
        assert client.stdout is not None
        ends = threading.Timer(LIMIT_S, client.kill)
        ends.start()
        for line in client.stdout:
            said = json.loads(line)
            if "authorize" in said:
                arrived = anyio.run(person.authorize, said["authorize"], REDIRECT_URI)
                client.stdin.write(f"{urlencode(arrived)}\n")
                client.stdin.flush()
            elif "scope" in said:
                scopes.append(said["scope"])
            else:
                answer = said["answer"]
        ends.cancel()
    assert client.returncode == 0, log.read_text()
    assert answer["status"] == "ok"
    assert len(scopes) == 2
    assert not {"crm:read", "mcp:read"} & set(scopes[0].split())
    assert {"crm:read", "mcp:read"} & set(scopes[1].split())
