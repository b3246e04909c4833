"""kill -9 at any moment loses no grant and no import, and the next start works."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from tests.conftest import REPOSITORY
from tests.flows.connecting import connect
from tests.flows.gateway_process import RunningGateway, ascend, environment, running_gateway
from tests.flows.mcp_client import MemoryTokenStorage, connected
from tests.flows.person import Person
from tests.ports import free_port


def kill(gateway: RunningGateway) -> None:
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait(timeout=10)


async def test_what_a_client_got_works_after_a_crash(tmp_path: Path) -> None:
    """Access token, refresh token and catalogue are those of before; nobody signs in again."""
    data, port, storage = tmp_path / "data", free_port(), MemoryTokenStorage()
    with running_gateway(data, port=port) as gateway:
        person = Person(gateway.email, gateway.password)
        async with connected(gateway.mcp_url, person, storage=storage) as client:
            await client.list_tools()
        kill(gateway)
    assert storage.tokens is not None
    assert storage.client is not None
    with running_gateway(data, port=port) as gateway:
        assert not gateway.password  # the demo user is still there
        nobody = Person("nobody@example.com", "nobody has this")
        async with connected(gateway.mcp_url, nobody, storage=storage) as client:
            answer = await client.call_tool("discover_apis", {"ids": ["crm.contacts.search"]})
        assert answer.structured_content is not None
        assert answer.structured_content["results"][0]["id"] == "crm.contacts.search"
        async with httpx2.AsyncClient() as http:
            form = {"grant_type": "refresh_token", "refresh_token": storage.tokens.refresh_token, "client_id": storage.client.client_id}
            refreshed = await http.post(f"{gateway.base_url}/token", data=form)
        assert refreshed.status_code == 200, refreshed.text


@pytest.mark.parametrize("delay_s", [0.8, 1.6])
def test_an_import_that_is_killed_leaves_all_or_nothing(tmp_path: Path, delay_s: float) -> None:
    """However far the first opening of the store or the import came, what follows works."""
    data, document = tmp_path / "data", REPOSITORY / "server" / "demo" / "openapi.yaml"
    source = [str(document), "--provider", "copy", "--shared", "--base-url", "http://127.0.0.1:1"]
    command = [str(Path(sys.executable).with_name("ascend")), "import", "openapi", *source, "--data", str(data)]
    importing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    time.sleep(delay_s)
    importing.kill()
    importing.wait(timeout=10)
    again = ascend("import", "openapi", *source, "--json", data_dir=data)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["unchanged"] in (0, len(told["operations"]))
    assert told["unchanged"] + len(told["added"]) == len(told["operations"])


async def test_a_demo_that_is_killed_while_its_person_connects_goes_on_where_it_was(tmp_path: Path) -> None:
    """Issue 6: the link serves again, a connected account is still connected, and no token is in clear text on disk."""
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
    with running_gateway(data, onboarding=True, port=port) as gateway:
        async with connected(gateway.mcp_url, person, storage=storage) as client:
            again = (await told(client, search))["connection"]["url"]
            assert "Connected" in await connect(person, link)
            assert (await told(client, search))["status"] == "ok"
        assert again != link
        kill(gateway)
    with running_gateway(data, onboarding=True, port=port) as gateway:
        async with connected(gateway.mcp_url, person, storage=storage) as client:
            assert (await told(client, search))["status"] == "ok"
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
