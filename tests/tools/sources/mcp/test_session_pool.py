"""Who opens many sessions closes their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from oauth.principal import Principal
from tests.tools.sources.mcp.mcp_upstream import McpUpstream
from tests.tools.sources.openapi.callable import ADA
from tools.egress.client import Egress
from tools.sources.mcp.session_pool import McpSessions, Upstream

BOB = replace(ADA, subject="bob")


@pytest.fixture
async def upstreams() -> AsyncIterator[list[Upstream]]:
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(McpUpstream()) for _ in range(4)]
        yield [Upstream("notes", each.url) for each in running]


@pytest.fixture
async def sessions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[McpSessions]:
    monkeypatch.setattr("tools.sources.mcp.session_pool.MAX_SESSIONS", 4)
    async with Egress(allow=["127.0.0.1:*"]) as egress, McpSessions(egress) as opened:
        yield opened


async def opened(sessions: McpSessions, principal: Principal, upstream: Upstream) -> object:
    return await sessions.get(principal, upstream, None, None, 10)


async def test_a_tenant_that_floods_loses_its_own_sessions(sessions: McpSessions, upstreams: list[Upstream]) -> None:
    """Issue 10, kind 3: one line for all tenants."""
    quiet = [replace(ADA, tenant_id="acme"), replace(ADA, tenant_id="globex")]
    kept = [await opened(sessions, principal, upstreams[0]) for principal in quiet]
    flood = [replace(ADA, tenant_id="flood", subject=f"person {number}") for number in range(6)]
    first, *_, last = [await opened(sessions, principal, upstreams[0]) for principal in flood]
    assert [await opened(sessions, principal, upstreams[0]) for principal in quiet] == kept
    assert await opened(sessions, flood[-1], upstreams[0]) is last
    assert await opened(sessions, flood[0], upstreams[0]) is not first


async def test_in_a_tenant_the_person_who_floods_does(sessions: McpSessions, upstreams: list[Upstream]) -> None:
    """The one used least lately goes."""
    kept = await opened(sessions, ADA, upstreams[0])
    first, *_, last = [await opened(sessions, BOB, upstream) for upstream in upstreams]
    assert await opened(sessions, ADA, upstreams[0]) is kept
    assert await opened(sessions, BOB, upstreams[-1]) is last
    assert await opened(sessions, BOB, upstreams[0]) is not first
