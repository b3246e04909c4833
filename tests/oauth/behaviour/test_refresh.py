"""facts/oauth-behaviour.md §6: refresh, revocation, introspection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import select

from oauth.tokens.own_grants import OwnGrants
from server.storage.schema.oauth_tables import security_events
from tests.oauth.gateway import MCP2, OAuthGateway, gateway, oauth_error

WEB = "https://app.example/cb"


async def family(gate: OAuthGateway, **metadata: object) -> tuple[str, dict[str, Any]]:
    """Return a client_id with the tokens of one grant."""
    client = await gate.register(**metadata)
    changes = {"redirect_uri": WEB} if metadata.get("redirect_uris") == [WEB] else {}
    return client["client_id"], await gate.tokens(client["client_id"], **changes)


def pair(tokens: dict[str, Any]) -> tuple[str, str]:
    return tokens["access_token"], tokens["refresh_token"]


async def test_f1_an_answer_that_was_lost_is_given_again(gate: OAuthGateway) -> None:
    """oauth-behaviour F1: the identical pair."""
    client_id, tokens = await family(gate)
    first = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    gate.clock.now += 60
    again = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    assert pair(again) == pair(first) != pair(tokens)
    assert again["expires_in"] == first["expires_in"] - 60
    assert await gate.call(again["access_token"]) == 200
    assert await gate.call(tokens["access_token"]) == 200


@pytest.mark.parametrize(("redirect_uris", "grace_s"), [([WEB], 120), (["http://127.0.0.1:3333/callback"], 3600)])
async def test_f2_reuse_outside_the_window_ends_this_grant_and_no_other(gate: OAuthGateway, redirect_uris: list[str], grace_s: int) -> None:
    """oauth-behaviour F2; two minutes for web clients, an hour for those on the person's machine."""
    client_id, tokens = await family(gate, redirect_uris=redirect_uris)
    other_client, other = await family(gate)
    first = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    gate.clock.now += grace_s - 1
    within = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    assert within["refresh_token"] == first["refresh_token"]
    gate.clock.now += 2
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")
    assert await gate.call(within["access_token"]) == 401
    assert oauth_error(await gate.refresh(client_id, first["refresh_token"])) == (400, "invalid_grant")
    assert (await gate.refresh(other_client, other["refresh_token"])).status_code == 200


async def test_the_grace_setting_overrides_every_client_kind(tmp_path: Path) -> None:
    """contracts.md, ASCEND_REFRESH_GRACE_S."""
    async with gateway(tmp_path, refresh_grace_s=5.0) as gate:
        client_id, tokens = await family(gate)
        await gate.refresh(client_id, tokens["refresh_token"])
        gate.clock.now += 6
        assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")


async def test_f4_a_client_that_is_generations_behind_is_led_to_the_live_pair(gate: OAuthGateway) -> None:
    """oauth-behaviour F4; facts/oauth.md §2.5."""
    client_id, tokens = await family(gate)
    chain = [tokens]
    for _ in range(7):
        gate.clock.now += 1
        chain.append((await gate.refresh(client_id, chain[-1]["refresh_token"])).json())
    for stale in chain[:-1]:
        assert pair((await gate.refresh(client_id, stale["refresh_token"])).json()) == pair(chain[-1])
    newest = (await gate.refresh(client_id, chain[-1]["refresh_token"])).json()
    assert pair((await gate.refresh(client_id, tokens["refresh_token"])).json()) == pair(newest)


async def test_f5_a_replay_must_be_the_same_request(gate: OAuthGateway) -> None:
    """oauth-behaviour F5: refused, and nothing is revoked."""
    client_id, tokens = await family(gate)
    first = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    other = (await gate.register())["client_id"]
    old = tokens["refresh_token"]
    assert oauth_error(await gate.refresh(other, old)) == (400, "invalid_grant")
    assert oauth_error(await gate.refresh(client_id, old, scope="mcp mcp:write")) == (400, "invalid_scope")
    assert oauth_error(await gate.refresh(client_id, old, scope="mcp")) == (400, "invalid_scope")
    assert oauth_error(await gate.refresh(client_id, old, resource=MCP2)) == (400, "invalid_target")
    assert pair((await gate.refresh(client_id, old)).json()) == pair(first)


async def test_f7_scopes_go_down_and_up_again_within_the_grant(gate: OAuthGateway) -> None:
    """oauth-behaviour F7; RFC 6749 §6."""
    client_id, tokens = await family(gate)
    down = (await gate.refresh(client_id, tokens["refresh_token"], scope="mcp")).json()
    assert down["scope"] == "mcp"
    up = (await gate.refresh(client_id, down["refresh_token"], scope="mcp mcp:read offline_access")).json()
    assert up["scope"] == "mcp mcp:read"
    assert oauth_error(await gate.refresh(client_id, up["refresh_token"], scope="mcp mcp:write")) == (400, "invalid_scope")
    assert (await gate.refresh(client_id, up["refresh_token"])).json()["scope"] == "mcp mcp:read"


async def test_f8_a_grant_ends_with_its_consent_its_subject_its_tenant_and_its_client(gate: OAuthGateway) -> None:
    """oauth-behaviour F8."""
    client_id, tokens = await family(gate)
    await OwnGrants(gate.grants, gate.client_store).revoke_all("default", "ada-default", "subject")
    assert await gate.call(tokens["access_token"]) == 401
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")

    client_id, tokens = await family(gate)
    gate.allowed[("default", "ada-default")] = frozenset()
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")
    del gate.allowed[("default", "ada-default")]

    everyone = gate.tenants.all()
    gate.tenants.replace([replace(tenant, suspended=True) for tenant in everyone])
    assert await gate.call(tokens["access_token"]) == 401
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")
    gate.tenants.replace(everyone)

    await gate.server.revocation.remove_client(client_id)
    assert await gate.call(tokens["access_token"]) == 401
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (401, "invalid_client")


async def test_a_subject_who_may_do_less_now_gets_less(gate: OAuthGateway) -> None:
    """issue 3, Scopes: never more than the subject may use."""
    client_id, tokens = await family(gate)
    gate.allowed[("default", "ada-default")] = frozenset({"mcp", "crm:read"})
    assert (await gate.refresh(client_id, tokens["refresh_token"])).json()["scope"] == "crm:read mcp"


async def test_f10_only_refresh_tokens_refresh(gate: OAuthGateway) -> None:
    """oauth-behaviour F10."""
    client_id, tokens = await family(gate)
    for token in (tokens["access_token"], "asc_rt_" + "a" * 43, "x" * 10_000, "asc_rt_"):
        assert oauth_error(await gate.refresh(client_id, token)) == (400, "invalid_grant")
    assert oauth_error(await gate.token(grant_type="refresh_token", client_id=client_id)) == (400, "invalid_request")


async def test_f11_no_refresh_outruns_a_revocation(gate: OAuthGateway) -> None:
    """oauth-behaviour F11: after revoke answered, no token of the family works."""
    client = await gate.register()
    for _ in range(10):
        tokens = await gate.tokens(client["client_id"])
        seen = [tokens["access_token"]]
        await race(gate, client["client_id"], tokens["refresh_token"], seen)
        assert [await gate.call(token) for token in seen] == [401] * len(seen)


async def race(gate: OAuthGateway, client_id: str, refresh_token: str, seen: list[str]) -> None:
    """Refresh and revoke at once, keeping every access token that was given."""

    async def refresh() -> None:
        response = await gate.refresh(client_id, refresh_token)
        if response.status_code == 200:
            seen.append(response.json()["access_token"])

    async def revoke() -> None:
        await gate.request("POST", "/revoke", data={"client_id": client_id, "token": refresh_token})

    async with anyio.create_task_group() as group:
        for task in (refresh, refresh, revoke, refresh):
            group.start_soon(task)


async def test_twenty_refreshes_at_once_give_one_pair(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.5: 20 parallel calls, 20 identical answers."""
    client_id, tokens = await family(gate)
    pairs: list[tuple[str, str]] = []

    async def refresh() -> None:
        pairs.append(pair((await gate.refresh(client_id, tokens["refresh_token"])).json()))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(refresh)
    assert len(pairs) == 20
    assert len(set(pairs)) == 1
    assert await gate.call(pairs[0][0]) == 200


async def test_a_dying_access_token_is_replaced_in_a_replay(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.5 step 3: what is replayed survives the next request, and the next replay is the same again."""
    client_id, tokens = await family(gate)
    first = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    gate.clock.now += 3560
    second = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] == 3600
    assert pair((await gate.refresh(client_id, tokens["refresh_token"])).json()) == pair(second)


async def test_a_grant_does_not_outlive_its_end_however_often_it_is_refreshed(gate: OAuthGateway) -> None:
    """docs/guides/authorization.md: 30 days idle, 180 days in all."""
    client_id, tokens = await family(gate)
    for _ in range(8):
        gate.clock.now += 22 * 24 * 3600
        tokens = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    gate.clock.now += 10 * 24 * 3600
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")
    client_id, tokens = await family(gate)
    gate.clock.now += 31 * 24 * 3600
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")


async def test_replays_and_reuse_are_recorded_with_their_age(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.5 step 6: the operator can lower the window with data."""
    client_id, tokens = await family(gate)
    await gate.refresh(client_id, tokens["refresh_token"])
    gate.clock.now += 42
    await gate.refresh(client_id, tokens["refresh_token"])
    gate.clock.now += 4000
    await gate.refresh(client_id, tokens["refresh_token"])
    async with gate.database.read() as connection:
        rows = (await connection.execute(select(security_events.c.action, security_events.c.facts))).all()
    assert ("refresh_replayed", '{"age_s":"42"}') in rows
    assert ("refresh_reused", '{"age_s":"4042"}') in rows


async def test_a_sweep_ends_no_living_grant(gate: OAuthGateway) -> None:
    """server/storage/oauth/sweep.py: what is still of use stays, and reuse is still recognised weeks later."""
    client_id, tokens = await family(gate)
    latest = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    for _ in range(4):
        gate.clock.now += 20 * 24 * 3600
        await gate.server.sweep()
        latest = (await gate.refresh(client_id, latest["refresh_token"])).json()
    assert await gate.call(latest["access_token"]) == 200
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")
    assert await gate.call(latest["access_token"]) == 401
