"""Connecting to node's oidc-provider, which we did not write: connect, refresh with rotation, disconnect with revocation."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import anyio
import httpx2
import pytest

from oauth.connections.changes import ConnectionChanges
from oauth.connections.provider import known_definitions
from oauth.connections.upstream.registrations import SHARED, UpstreamRegistration
from tests.conftest import REPOSITORY
from tests.ports import free_port
from tests.server.connecting.connection_world import ADA, ConnectionWorld, connection_world
from tests.server.pages.form_browser import forms_of

MODULES = REPOSITORY / "node_modules"
SCRIPT = REPOSITORY / "tests" / "server" / "connecting" / "oidc_provider_for_accounts.mjs"
SECRET = "of a test & long enough: 100% /+"
SCOPES = frozenset({"openid"})
NODE = shutil.which("node", path=os.pathsep.join((str(MODULES / ".bin"), os.environ.get("PATH", ""))))
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(not (MODULES / "oidc-provider").is_dir(), reason="oidc-provider is not installed; run `make conformance`"),
]


@dataclass
class NodeWorld:
    world: ConnectionWorld
    issuer: str


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeWorld]:
    port = free_port()
    issuer = f"http://localhost:{port}"
    async with connection_world(tmp_path, allow=(f"localhost:{port}",)) as world:
        process = await anyio.to_thread.run_sync(start, port, f"{world.url}/connect/callback/default/node")
        described = {
            **known_definitions()["oauth2"],
            "id": "node",
            "title": "Node",
            "issuer": issuer,
            "requires_issuer": True,
            "authorize_url": f"{issuer}/auth",
            "token_url": f"{issuer}/token",
            "revoke": {"url": f"{issuer}/token/revocation", "style": "rfc7009", "token": "refresh"},
            "account": {"request": {"url": f"{issuer}/me"}, "id": "me.sub", "title": "me.email"},
            "default_scopes": ["openid", "email", "offline_access"],
            "authorize_params": {"prompt": "consent"},
        }
        await world.connections.registrations.add(UpstreamRegistration(SHARED, "node", "ascend", described), SECRET, "operator")
        yield NodeWorld(world, issuer)
        process.terminate()
        await anyio.to_thread.run_sync(process.communicate)


def start(port: int, redirect_uri: str) -> subprocess.Popen[str]:
    command = [NODE or "", str(SCRIPT), str(port), "ascend", SECRET, redirect_uri]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


async def consent(person: httpx2.AsyncClient, address: str, home: str) -> str:
    """Click through the provider's own pages as `grace`; return the address that leads back to `home`."""
    answer = await person.get(address)
    for _ in range(20):
        if answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if target.startswith(home):
                return target
            answer = await person.get(target)
        else:
            [form, *_] = forms_of(answer)
            fields = {name: value or "grace" for name, value in form.fields.items()}
            answer = await person.post(urljoin(str(answer.url), form.action), data=fields)
    raise AssertionError(f"no way back from {answer.url}")


async def me(node: NodeWorld, secret: str) -> int:
    async with httpx2.AsyncClient(timeout=30) as client:
        return (await client.get(f"{node.issuer}/me", headers={"authorization": f"Bearer {secret}"})).status_code


async def test_an_account_is_connected_refreshed_and_disconnected_at_a_provider_that_we_did_not_write(node: NodeWorld) -> None:
    """RFC 6749, 7636, 7009, 9207 and OpenID Connect's nonce, with client_secret_basic and a secret that needs encoding."""
    world, connections = node.world, node.world.connections
    link = await world.needed(provider="node", scopes=SCOPES)
    async with world.signed_in(ADA) as browser, httpx2.AsyncClient(timeout=10) as person:
        begun = await world.begin(browser, link)
        done = await browser.get(await consent(person, begun.headers["location"], world.url))
    assert "grace@corp.example" in done.text, done.text
    first = await connections.known.for_call(ADA, "node", SCOPES, None)
    assert await me(node, first.secret) == 200
    for _ in range(3):  # each time with the refresh token that the time before brought
        await world.store.connections.ask_refresh("default", first.account_id, 0)
        assert await connections.refresher.refresh_due() == 1
    [account] = connections.known.of_provider(ADA, "node")
    assert (account.version, account.state, account.last_error) == (4, "ready", "")
    last = await connections.known.for_call(ADA, "node", SCOPES, None)
    assert last.secret != first.secret
    assert await me(node, last.secret) == 200
    changes: ConnectionChanges = connections.changes
    _, revoked = await changes.disconnect(ADA, "node", account.alias)
    assert revoked
    assert await me(node, last.secret) == 401
