"""Authorization requests that a client pushes first (RFC 9126)."""

from tests.oauth.gateway import OAuthGateway, Pkce, answer_of, oauth_error, parameters


async def test_a_pushed_request_is_used_once_by_its_client(gate: OAuthGateway) -> None:
    """RFC 9126 §2, §4."""
    client, other, pkce = await gate.register(), await gate.register(), Pkce()
    pushed = await gate.request("POST", "/par", data=parameters(client["client_id"], pkce, state="pushed"))
    assert pushed.status_code == 201
    facts = pushed.json()
    assert (facts["request_uri"].startswith("urn:ietf:params:oauth:request_uri:"), facts["expires_in"]) == (True, 90)
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        foreign = await browser.get("/authorize", params={"client_id": other["client_id"], "request_uri": facts["request_uri"]})
        assert foreign.status_code == 400
        query = {"client_id": client["client_id"], "request_uri": facts["request_uri"], "state": "beside", "scope": "mcp:destructive"}
        started = await browser.get("/authorize", params=query)
        answered = answer_of(await gate.answer(browser, started.headers["location"]))
        assert answered["state"] == "pushed"
        assert (await browser.get("/authorize", params=query)).status_code == 400
    assert (await gate.redeem(client["client_id"], answered["code"], pkce)).json()["scope"] == "mcp mcp:read"


async def test_a_bad_request_is_refused_when_it_is_pushed(gate: OAuthGateway) -> None:
    """RFC 9126 §2.3."""
    client = await gate.register()
    bad: list[tuple[dict[str, str | None], str]] = [
        ({"code_challenge": None}, "invalid_request"), ({"resource": "https://evil.example"}, "invalid_target"),
        ({"request_uri": "x"}, "invalid_request"), ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ]  # fmt: skip
    for changes, code in bad:
        response = await gate.request("POST", "/par", data=parameters(client["client_id"], Pkce(), **changes))
        assert oauth_error(response) == (400, code)
