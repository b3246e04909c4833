"""kill -9 at any moment loses no grant and no import, and the next start works."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.flows.connecting import connect
from tests.flows.gateway_process import RunningGateway, environment, running_gateway
from tests.flows.mcp_client import MemoryTokenStorage, connected
from tests.flows.person import Person
from tests.forked.program import NOTHING, ForkedProgram
from tests.ports import free_port
from tests.waiting import until_here


def kill(gateway: RunningGateway) -> None:
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait(timeout=10)


@pytest.mark.parametrize("sign", ["ascend.sqlite3", "ascend.sqlite3-wal"])
def test_an_import_that_is_killed_leaves_all_or_nothing(tmp_path: Path, sign: str) -> None:
    """As soon as `sign` is there, so however far the first opening of the store or the import came: what follows works."""
    data, document = tmp_path / "data", REPOSITORY / "server" / "demo" / "openapi.yaml"
    source = [str(document), "--provider", "copy", "--shared", "--base-url", "http://127.0.0.1:1"]
    importing = ForkedProgram(["import", "openapi", *source, "--data", str(data)], environment(), NOTHING, NOTHING)
    until_here(lambda: (data / sign).exists() or importing.poll() is not None)
    importing.kill()
    importing.wait(30)
    again = ascend_here("import", "openapi", *source, "--json", data_dir=data)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["unchanged"] in (0, len(told["operations"]))
    assert told["unchanged"] + len(told["added"]) == len(told["operations"])


async def test_a_gateway_that_is_killed_while_its_person_connects_goes_on_where_it_was(tmp_path: Path) -> None:
    """Issue 6: the link serves again, a connected account is still connected, and no token is in clear text on disk.

    Access token, refresh token and catalogue are those of before; nobody signs in again.
    """
    data, port = tmp_path / "data", free_port()
    search = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
    storage = MemoryTokenStorage()
    with running_gateway(data, onboarding=True, port=port) as gateway:
        person = Person(gateway.email, gateway.password)
        async with connected(gateway.mcp_url, person, storage=storage) as client:
            link = (await told(client, search))["connection"]["url"]
        async with httpx2.AsyncClient(timeout=20) as browser:
            page = await browser.get(await at_the_crm(browser, person, link))
        assert "Ascend Gateway wants to connect" in page.text
        kill(gateway)
    nobody = Person("nobody@example.com", "nobody has this")
    with running_gateway(data, onboarding=True, port=port) as gateway:
        assert not gateway.password  # the demo user is still there
        async with connected(gateway.mcp_url, nobody, storage=storage) as client:
            again = (await told(client, search))["connection"]["url"]
            assert "Connected" in await connect(person, link)
            assert (await told(client, search))["status"] == "ok"
        assert again != link
        kill(gateway)
    assert storage.tokens is not None
    assert storage.client is not None
    with running_gateway(data, onboarding=True, port=port) as gateway, httpx2.Client(timeout=30) as http:
        async with connected(gateway.mcp_url, nobody, storage=storage) as client:
            assert (await told(client, search))["status"] == "ok"
        form = {"grant_type": "refresh_token", "refresh_token": storage.tokens.refresh_token, "client_id": storage.client.client_id}
        refreshed = http.post(f"{gateway.base_url}/token", data=form)
        assert refreshed.status_code == 200, refreshed.text
        content = b"".join(path.read_bytes() for path in data.iterdir() if path.is_file())
        assert not [prefix for prefix in (b"cat_", b"crt_") if prefix in content]


async def told(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = (await client.call_tool("call_api", arguments)).structured_content
    assert isinstance(answer, dict)
    return answer


async def at_the_crm(browser: httpx2.AsyncClient, person: Person, link: str) -> str:
    """Sign in and press Continue; return the CRM's address that the browser is sent to."""
    address = await person.walk(browser, link, lambda url: "/oauth/authorize" in url)
    assert "/oauth/authorize" in address
    return address
