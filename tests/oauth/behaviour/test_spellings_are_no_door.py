"""Redirect URIs and resources may be spelled in some ways; what only looks like one of them is another place."""

from urllib.parse import urlencode

import pytest

from tests.oauth.gateway import BASE, MCP, OAuthGateway, Pkce, answer_of, oauth_error, parameters

LOOPBACK = "http://127.0.0.1/callback"


@pytest.mark.parametrize(
    ("registered", "requested", "is_same"),
    [
        (LOOPBACK, "http://127.0.0.1:3333/callback", True),
        (LOOPBACK, "http://127.0.0.1:65535/callback", True),
        ("http://[::1]/cb", "http://[::1]:9/cb", True),
        ("http://localhost:1/cb?a=b", "http://localhost:2/cb?a=b", True),
        # RFC 8252 §7.3: the port, and nothing else
        (LOOPBACK, "http://localhost:3333/callback", False),
        (LOOPBACK, "http://127.0.0.2:3333/callback", False),
        (LOOPBACK, "http://[::1]:3333/callback", False),
        (LOOPBACK, "http://127.0.0.1:3333/callback/", False),
        (LOOPBACK, "http://127.0.0.1:3333/Callback", False),
        (LOOPBACK, "http://127.0.0.1:3333/callback?x", False),
        (LOOPBACK, "http://127.0.0.1:3333/callback#x", False),
        (LOOPBACK, "http://127.0.0.1:3333/x/../callback", False),
        (LOOPBACK, "http://127.0.0.1:3333/%63allback", False),
        (LOOPBACK, "http://127.0.0.1:0/callback", False),
        (LOOPBACK, "http://127.0.0.1:65536/callback", False),
        (LOOPBACK, "http://127.0.0.1:/callback", False),
        (LOOPBACK, "http://127.0.0.1:+1/callback", False),
        (LOOPBACK, "http://127.0.0.1:3333@evil.test/callback", False),
        (LOOPBACK, "http://127.0.0.1.evil.test:3333/callback", False),
        (LOOPBACK, "http://127.0.0.1:3333\\@evil.test/callback", False),
        (LOOPBACK, "http://127.1:3333/callback", False),
        (LOOPBACK, "http://2130706433:3333/callback", False),
        (LOOPBACK, "http://0x7f.0.0.1:3333/callback", False),
        (LOOPBACK, "http://[::ffff:127.0.0.1]:3333/callback", False),
        (LOOPBACK, "https://127.0.0.1:3333/callback", False),
        (LOOPBACK, "HTTP://127.0.0.1:3333/callback", False),
        (LOOPBACK, " http://127.0.0.1:3333/callback", False),
        (LOOPBACK, "http://127.0.0.1:3333/callback\t", False),
        (LOOPBACK, "http://127.0.0.1:３３３３/callback", False),
        ("https://app.example/cb", "https://app.example:443/cb", False),
        ("https://app.example/cb", "https://APP.example/cb", False),
        ("https://app.example/cb", "https://app.example./cb", False),
        ("https://app.example/cb", "https://app.example/cb/", False),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback?x=1", False),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "Cursor://anysphere.cursor-mcp/oauth/callback", False),
    ],
)  # fmt: skip
async def test_a_redirect_uri_is_the_registered_one_but_for_the_port_of_loopback(
    gate: OAuthGateway, registered: str, requested: str, is_same: bool
) -> None:
    """RFC 9700 §4.1, RFC 8252 §7.3; by query, by form and pushed."""
    client = (await gate.register(redirect_uris=[registered]))["client_id"]
    facts = parameters(client, Pkce(), redirect_uri=requested)
    async with gate.browser() as browser:
        by_query = await browser.get(f"/authorize?{urlencode(facts)}")
        by_form = await browser.post("/authorize", data=facts)
    pushed = await gate.request("POST", "/par", data=facts)
    assert (by_query.status_code, by_form.status_code, pushed.status_code) == ((303, 303, 201) if is_same else (400, 400, 400))


async def test_a_code_is_redeemed_with_the_very_redirect_uri_that_it_went_to(gate: OAuthGateway) -> None:
    """RFC 6749 §4.1.3: also where another port of loopback would have been as good to begin with."""
    client = (await gate.register(redirect_uris=[LOOPBACK]))["client_id"]
    for changed in ("http://127.0.0.1:4444/callback", LOOPBACK, "http://localhost:3333/callback"):
        pkce = Pkce()
        code = await gate.code(client, pkce, redirect_uri="http://127.0.0.1:3333/callback")
        assert oauth_error(await gate.redeem(client, code, pkce, redirect_uri=changed)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("resource", "is_ours"),
    [
        (MCP, True), (f"{MCP}/", True), ("HTTP://127.0.0.1:8080/mcp", True), ("http://localhost:8080/mcp", True),
        ("http://[::1]:8080/mcp", True), ("http://LocalHost:8080/mcp/", True),
        (f"{MCP}//", False), ("http://localhost:8081/mcp", False), ("http://localhost/mcp", False), (f"{MCP}?x=1", False),
        (f"{MCP}#x", False), ("http://127.0.0.1:8080/MCP", False), ("http://127.0.0.1:8080/%6dcp", False),
        ("http://127.0.0.1:8080/mcp/../mcp", False), ("http://127.0.0.1:8080@evil.test/mcp", False),
        ("http://u@127.0.0.1:8080/mcp", False), ("http://127.0.0.1:8080.evil.test/mcp", False), ("https://127.0.0.1:8080/mcp", False),
        ("http://localhost:8080.evil.test/mcp", False), ("http://127.0.0.1:08080/mcp", False), ("//127.0.0.1:8080/mcp", False),
        ("http://127.0.0.1:8080/mcpx", False), ("http://127.0.0.1:8080", False), ("http://[::ffff:127.0.0.1]:8080/mcp", False),
        ("mcp", False), (" ", False), (f" {MCP}", False), (f"{MCP}/nobody", False), (f"{MCP}/default", False),
    ],
)  # fmt: skip
async def test_a_resource_is_one_of_ours_however_this_machine_is_named_and_nothing_else(
    gate: OAuthGateway, resource: str, is_ours: bool
) -> None:
    """RFC 8707 §2; the token is for the canonical one."""
    client, pkce = (await gate.register())["client_id"], Pkce()
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client, pkce, resource=resource)
        if not is_ours:
            assert answer_of(started)["error"] == "invalid_target"
            return
        code = answer_of(await gate.answer(browser, started.headers["location"]))["code"]
    tokens = (await gate.redeem(client, code, pkce, resource=resource)).json()
    assert await gate.call(tokens["access_token"]) == 200
    assert await gate.call(tokens["access_token"], f"{BASE}/mcp/acme") == 401
