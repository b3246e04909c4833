"""The grant types over each real database: requests at the same time, with several connections, as several nodes would send them."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from oauth.authorization.scope_narrowing import STANDING
from oauth.clients.client import Client
from oauth.errors import OAuthError
from oauth.grants.authorization_code import AuthorizationCodeGrant
from oauth.grants.refresh_token import RefreshTokenGrant
from oauth.parameters import Parameters
from oauth.pkce import challenge_of
from oauth.resources import Resources
from oauth.tenants import Tenant, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, new_id, new_token
from oauth.tokens.grant_records import AuthorizationCode, Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply
from server.storage.database import Database
from server.storage.oauth.grants import SqlGrantStore
from tests.contracts.databases import empty_database, url_of

NOW = 1_000_000.0
VERIFIER = "v" * 43
CLIENT = Client(client_id="client_1", kind="dynamic", name="Probe", redirect_uris=("http://127.0.0.1/cb",), created_at=NOW)


class Node:
    """One process's view of the store."""

    def __init__(self, database: Database) -> None:
        self.store = SqlGrantStore(database)
        tenants = Tenants([Tenant("default", "Default")])
        resources = Resources(tenants, lambda _tenant_id: "https://gw/mcp", "https://gw")
        self.access = AccessTokens(self.store, self.clock)
        self.codes = AuthorizationCodeGrant(self.store, self.access, resources, Lifetimes(), self.clock)
        self.refreshes = RefreshTokenGrant(self.store, self.access, resources, tenants, self.allowed, Lifetimes(), self.clock)

    def clock(self) -> float:
        return NOW

    async def allowed(self, _tenant_id: str, _subject: str) -> frozenset[str]:
        return STANDING

    async def redeem(self, code: str) -> TokenReply | None:
        try:
            return await self.codes.redeem(CLIENT, Parameters([("code", code), ("code_verifier", VERIFIER)]))
        except OAuthError:
            return None

    async def refresh(self, token: str) -> TokenReply | None:
        try:
            return await self.refreshes.redeem(CLIENT, Parameters([("refresh_token", token)]))
        except OAuthError:
            return None

    async def new_code(self) -> str:
        scopes, code = frozenset({"mcp"}), new_token("ac")
        grant_id = new_id("grant")
        grant = Grant(grant_id, "default", "ada", "client_1", "https://gw/mcp", scopes, "authorization_code", True, NOW, NOW + 1000)
        row = AuthorizationCode(hash_token(code), grant_id, "default", "client_1", "http://127.0.0.1/cb", challenge_of(VERIFIER), NOW + 60)
        async with self.store.transaction() as rows:
            await rows.add_grant(grant)
            await rows.add_code(row)
        return code


@pytest.fixture(params=["sqlite", "postgresql"])
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Node]]:
    """Two nodes over one fresh store."""
    url = url_of(request.param, request, tmp_path)
    async with empty_database(url) as one:
        other = Database(url)
        yield [Node(one), Node(other)]
        await other.close()


async def test_fifty_redemptions_over_two_nodes_give_one_answer(nodes: list[Node]) -> None:
    """oauth-behaviour X8; issue 3, Tokens."""
    code = await nodes[0].new_code()
    replies: list[TokenReply | None] = []

    async def redeem(node: Node) -> None:
        replies.append(await node.redeem(code))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for index in range(50):
                group.start_soon(redeem, nodes[index % 2])
    assert sum(reply is not None for reply in replies) == 1


async def test_twenty_clients_at_different_generations_refresh_without_locking_each_other_out(nodes: list[Node]) -> None:
    """facts/oauth.md §2.5: some hold the live token, some are behind, over two nodes; nobody loses and nobody waits for ever."""
    first = await nodes[0].redeem(await nodes[0].new_code())
    assert first is not None
    held = [first.refresh_token] * 20
    order = random.Random(7)
    lost: list[int] = []

    async def live(worker: int) -> None:
        for _ in range(10):
            for _ in range(order.randrange(5)):
                await anyio.lowlevel.checkpoint()
            reply = await nodes[order.randrange(2)].refresh(held[worker])
            if reply is None:
                lost.append(worker)
                return
            if order.randrange(3):
                held[worker] = reply.refresh_token

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for worker in range(20):
                group.start_soon(live, worker)
    assert lost == []
