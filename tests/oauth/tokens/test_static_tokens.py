"""Static bearer tokens and tokens minted on the machine: oauth/tokens/static_tokens.py, oauth/tokens/operator_issued.py."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from oauth.errors import NotIssued
from oauth.tenants import Tenant
from oauth.tokens.static_tokens import REMEMBERED_S
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.oauth.gateway import MCP, MCP2, OAuthGateway

SCOPES = frozenset({"mcp", "mcp:read"})


def open_bridge(gate: OAuthGateway, days: int = 30) -> str:
    """Let the default tenant take static tokens until so many days from now; return the day."""
    day = (datetime.fromtimestamp(gate.clock.now, UTC) + timedelta(days=days)).date().isoformat()
    gate.tenants.replace([Tenant("default", "Default", static_tokens_until=day), Tenant("acme", "Acme")])
    return day


async def call(gate: OAuthGateway, token: str, path: str = "/mcp") -> httpx2.Response:
    return await gate.request("POST", path, headers={"authorization": f"Bearer {token}"})


async def test_the_bridge_is_closed_until_an_operator_sets_its_end(gate: OAuthGateway) -> None:
    """issue 3, A bridge: off by default."""
    with pytest.raises(NotIssued):
        await gate.server.static_tokens.mint("default", "ada", "n8n", SCOPES)


async def test_a_static_token_works_at_its_tenant_until_the_end_and_says_so(gate: OAuthGateway) -> None:
    """issue 3, A bridge: hard sunset date, Deprecation and Sunset headers (RFC 9745, RFC 8594)."""
    day = open_bridge(gate)
    token, _ = await gate.server.static_tokens.mint("default", "ada", "n8n", SCOPES)
    response = await call(gate, token)
    assert response.status_code == 200
    facts: Mapping[str, object] = response.json()
    assert (facts["by"], facts["subject"]) == ("static_token", "ada")
    assert response.headers["deprecation"].startswith("@")
    sunset = datetime.strptime(response.headers["sunset"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert sunset.date() - timedelta(days=1) == datetime.fromisoformat(day).date()
    assert (await call(gate, token, "/mcp/acme")).status_code == 401
    gate.clock.now = sunset.timestamp() + 1
    assert (await call(gate, token)).status_code == 401


async def test_access_tokens_are_not_called_deprecated(gate: OAuthGateway) -> None:
    """RFC 9745: only what is deprecated."""
    open_bridge(gate)
    tokens = await gate.tokens((await gate.register())["client_id"])
    assert "sunset" not in (await call(gate, tokens["access_token"])).headers


async def test_a_revoked_static_token_is_dead_at_once_and_its_use_is_reported(gate: OAuthGateway) -> None:
    """issue 3, A bridge: usage report; revoked by `ascend token`."""
    open_bridge(gate)
    token, record = await gate.server.static_tokens.mint("default", "ada", "n8n", SCOPES)
    for _ in range(3):
        await call(gate, token)
    await gate.server.static_tokens.flush()
    report = await SqlStaticTokenStore(gate.database).of_tenant("default")
    assert [(each.label, each.calls) for each in report] == [("n8n", 3)]
    assert not await gate.server.static_tokens.revoke("acme", record.token_id)
    assert await gate.server.static_tokens.revoke("default", record.token_id)
    assert (await call(gate, token)).status_code == 401


async def test_a_static_token_holds_no_more_than_its_subject_may_use(gate: OAuthGateway) -> None:
    """issue 3, Scopes."""
    open_bridge(gate)
    gate.allowed[("default", "ada")] = frozenset({"mcp", "crm:read"})
    _, record = await gate.server.static_tokens.mint("default", "ada", "n8n", frozenset({"mcp", "mcp:read", "mcp:write"}))
    assert record.scopes == {"mcp", "crm:read"}


async def test_a_static_token_loses_what_its_subject_may_use_no_more(gate: OAuthGateway) -> None:
    """Disabled or limited (`ascend user disable`, `limit`): the token was good for months, the person is not."""
    open_bridge(gate)
    token, _ = await gate.server.static_tokens.mint("default", "ada", "n8n", frozenset({"mcp", "mcp:read", "mcp:write"}))
    assert (await call(gate, token)).json()["scopes"] == ["mcp", "mcp:read", "mcp:write"]
    gate.allowed[("default", "ada")] = frozenset({"mcp", "mcp:read"})
    gate.server.static_tokens.forget_subjects({("default", "bob")})
    assert (await call(gate, token)).json()["scopes"] == ["mcp", "mcp:read", "mcp:write"]
    gate.server.static_tokens.forget_subjects({("default", "ada")})
    assert (await call(gate, token)).json()["scopes"] == ["mcp", "mcp:read"]
    gate.allowed[("default", "ada")] = frozenset()
    gate.clock.now += REMEMBERED_S
    assert (await call(gate, token)).status_code == 401


async def test_a_minted_token_is_a_grant_like_any_other(gate: OAuthGateway) -> None:
    """contracts.md, `ascend token mint`."""
    minted = await gate.server.minting.mint("default", "ada", None, 60)
    assert await gate.call(minted.access_token, MCP) == 200
    assert await gate.call(minted.access_token, MCP2) == 401
    assert [grant.grant_type for grant in await gate.grants.list_grants("default", "ada")] == ["minted"]
    narrow = await gate.server.minting.mint("default", "ada", frozenset({"mcp", "crm:read", "unheard:of"}), 60)
    assert narrow.scopes >= {"mcp", "crm:read"}
    gate.clock.now += 61
    assert await gate.call(minted.access_token, MCP) == 401
    gate.allowed[("default", "ada")] = frozenset()
    with pytest.raises(NotIssued):
        await gate.server.minting.mint("default", "ada", SCOPES, 60)
