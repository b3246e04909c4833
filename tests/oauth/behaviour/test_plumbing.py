"""facts/oauth-behaviour.md §9 and §12: tenants, limits, races, faults."""

from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, text

from server.rate_limits import LIMITS, Limit, RateLimits
from server.storage.database import Database
from server.storage.schema.oauth_tables import security_events
from tests.oauth.gateway import MCP, MCP2, OAuthGateway, Pkce, gateway, oauth_error
from tests.ports import free_port
from tests.server.live_server import serving


async def test_m1_a_token_is_nothing_at_another_tenant(gate: OAuthGateway) -> None:
    """oauth-behaviour M1: the same answer as for garbage."""
    client = await gate.register()
    token = (await gate.tokens(client["client_id"]))["access_token"]
    foreign = await gate.request("POST", "/mcp/acme", headers={"authorization": f"Bearer {token}"})
    garbage = await gate.request("POST", "/mcp/acme", headers={"authorization": f"Bearer asc_at_{'a' * 43}"})
    assert (foreign.status_code, foreign.content, foreign.headers) == (401, garbage.content, garbage.headers)
    acme = (await gate.tokens(client["client_id"], tenant="acme"))["access_token"]
    assert (await gate.call(acme, MCP2), await gate.call(acme, MCP)) == (200, 401)


async def test_m2_a_person_of_one_tenant_gets_no_code_of_another(gate: OAuthGateway) -> None:
    """oauth-behaviour M2."""
    client = await gate.register()
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client["client_id"], Pkce(), resource=MCP2)
        assert started.headers["location"].startswith("/login?request=")
        page = await browser.get(started.headers["location"].replace("/login", "/consent"))
        assert page.status_code == 303
        assert page.headers["location"].startswith("/login")


def limited(gate: OAuthGateway, burst: int = 20) -> OAuthGateway:
    """Return the gateway with small limits."""
    gate.limits = RateLimits(limits={name: Limit(60, burst) for name in LIMITS} | {"crowds": LIMITS["crowds"]})
    gate.app = gate.build()
    return gate


async def test_x4_waiting_requests_are_limited_for_each_address(gate: OAuthGateway) -> None:
    """oauth-behaviour X4."""
    client = await limited(gate).register()
    async with gate.browser() as browser:
        answers = [await gate.authorize(browser, client["client_id"], Pkce()) for _ in range(50)]
    async with gate.browser() as other:
        # All have one address that is not public: it is no identity.
        assert (await gate.authorize(other, client["client_id"], Pkce())).status_code == 303
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1


async def test_x5_guessing_is_slowed_down_and_right_requests_are_not(gate: OAuthGateway) -> None:
    """oauth-behaviour X5: by address and client; whoever gets it right does not use the limit up."""
    client = await limited(gate).register()
    tokens = await gate.tokens(client["client_id"])
    right = [(await gate.refresh(client["client_id"], tokens["refresh_token"])).status_code for _ in range(30)]
    wrong = [(await gate.refresh(client["client_id"], f"asc_rt_{'a' * 43}")).status_code for _ in range(50)]
    assert (set(right), set(wrong)) == ({200}, {400, 429})
    # Many may stand behind an address that is not public: each code and token has its own share there.
    assert (await gate.refresh(client["client_id"], tokens["refresh_token"])).status_code == 200


async def test_x7_a_store_that_fails_gives_nothing_away(gate: OAuthGateway) -> None:
    """oauth-behaviour X7: 503, Retry-After, no token that is not stored, and the code still good afterwards."""
    client, pkce = await gate.register(), Pkce()
    code = await gate.code(client["client_id"], pkce)
    async with gate.database.write() as connection:
        await connection.execute(text("ALTER TABLE access_tokens RENAME TO away"))
    response = await gate.redeem(client["client_id"], code, pkce)
    assert oauth_error(response) == (503, "temporarily_unavailable")
    assert response.headers["retry-after"] == "1"
    assert (await gate.request("POST", "/mcp", headers={"authorization": f"Bearer asc_at_{'a' * 43}"})).status_code == 503
    async with gate.database.write() as connection:
        await connection.execute(text("ALTER TABLE away RENAME TO access_tokens"))
    assert (await gate.redeem(client["client_id"], code, pkce)).status_code == 200


async def test_x8_two_gateways_redeem_a_code_once(tmp_path: Path) -> None:
    """oauth-behaviour X8: one store, two processes' worth of connections."""
    async with gateway(tmp_path) as first:
        second = OAuthGateway(first.settings, Database(first.settings.store.database_url))
        client, pkce = await first.register(), Pkce()
        for _ in range(5):
            code = await first.code(client["client_id"], pkce)
            statuses: list[int] = []
            await race(first, second, client["client_id"], code, pkce, statuses)
            assert sorted(statuses) == [200, 400]
        await second.database.close()


async def race(first: OAuthGateway, second: OAuthGateway, client_id: str, code: str, pkce: Pkce, statuses: list[int]) -> None:
    async def redeem(gate: OAuthGateway) -> None:
        statuses.append((await gate.redeem(client_id, code, pkce)).status_code)

    async with anyio.create_task_group() as group:
        group.start_soon(redeem, first)
        group.start_soon(redeem, second)


async def test_another_process_hears_of_a_revocation(tmp_path: Path) -> None:
    """issue 3, Tokens; the change feed tells other nodes what one of them revoked."""
    async with gateway(tmp_path) as first:
        second = OAuthGateway(first.settings, Database(first.settings.store.database_url))
        client = await first.register()
        tokens = await first.tokens(client["client_id"])
        assert await second.call(tokens["access_token"]) == 200
        await first.request("POST", "/revoke", data={"client_id": client["client_id"], "token": tokens["refresh_token"]})
        grants = await grants_of(first)
        second.server.access_tokens.forget_announced([f"grant:{grant_id}" for grant_id in grants])
        assert await second.call(tokens["access_token"]) == 401
        await second.database.close()


async def grants_of(gate: OAuthGateway) -> list[str]:
    async with gate.database.read() as connection:
        return list((await connection.execute(text("SELECT grant_id FROM grants"))).scalars())


async def test_a_wrong_secret_is_recorded_without_it(gate: OAuthGateway) -> None:
    """issue 3, Operations: audit records for every security event."""
    client = await gate.register(token_endpoint_auth_method="client_secret_post")
    wrong = f"asc_cs_{'w' * 43}"
    await gate.token(grant_type="refresh_token", client_id=client["client_id"], client_secret=wrong)
    async with gate.database.read() as connection:
        rows = (await connection.execute(select(security_events))).all()
    assert "client_authentication_failed" in [row.action for row in rows]
    assert wrong not in str(rows)


ODD_PATHS = ["/.well-known/oauth-authorization-server/../../etc/passwd", "/.well-known/%2e%2e/x", "//token", "/token/", "/register/"]


@pytest.mark.parametrize("path", ODD_PATHS)
async def test_d5_odd_paths_are_nothing(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D5."""
    gate.app.router.redirect_slashes = False
    assert (await gate.request("GET", path)).status_code in (400, 404, 405)


async def test_t19_a_form_that_trickles_in_is_not_waited_for(gate: OAuthGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """oauth-behaviour T19: over a real socket; the answer comes although the rest of the body does not."""
    monkeypatch.setattr("server.posted_form.FORM_TIMEOUT_S", 0.2)
    port = free_port()
    with serving(gate.app, port), anyio.fail_after(20):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            media_type = b"Content-Type: application/x-www-form-urlencoded"
            await stream.send(b"POST /token HTTP/1.1\r\nHost: x\r\n" + media_type + b"\r\nContent-Length: 1000\r\n\r\na")
            assert (await stream.receive()).startswith(b"HTTP/1.1 408")
