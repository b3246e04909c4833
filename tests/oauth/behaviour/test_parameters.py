"""facts/oauth-behaviour.md §3: parameters of an authorization request."""

from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from tests.oauth.gateway import BASE, CALLBACK, MCP, OAuthGateway, Pkce, answer_of, parameters


async def ask(gate: OAuthGateway, **changes: str | None) -> httpx2.Response:
    client = await gate.register()
    async with gate.browser() as browser:
        return await gate.authorize(browser, client["client_id"], Pkce(), **changes)


def error_at_client(response: httpx2.Response, state: str | None = "xyz") -> str:
    """REDIR(e): to the registered URI by 302 or 303, with the same state and the issuer."""
    assert response.headers["location"].startswith(f"{CALLBACK}?")
    answer = answer_of(response)
    assert answer.get("state") == state
    assert answer["iss"] == BASE
    return answer["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None}, {"code_challenge_method": "plain"}, {"code_challenge_method": None}, {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"}, {"code_challenge": "a"}, {"code_challenge": "a" * 42}, {"code_challenge": "a" * 44},
        {"code_challenge": "a" * 129}, {"code_challenge": "a" * 42 + "="}, {"code_challenge": "a" * 41 + "+/"},
        {"code_challenge": "ä" * 43},
        {"response_mode": "fragment"}, {"response_mode": "form_post"}, {"response_mode": "web_message"}, {"response_mode": "x"},
        {"response_type": None}, {"prompt": "none login"}, {"max_age": "-1"}, {"max_age": "soon"},
    ],
    ids=str,
)  # fmt: skip
async def test_p1_to_p7_p22_malformed_requests_go_back_as_invalid(gate: OAuthGateway, changes: dict[str, str | None]) -> None:
    """oauth-behaviour P1, P2, P4, P5, P7, P22, P25."""
    assert error_at_client(await ask(gate, **changes)) == "invalid_request"


async def test_another_response_type_is_unsupported(gate: OAuthGateway) -> None:
    """RFC 6749 §4.1.2.1; no implicit grant."""
    for response_type in ("token", "id_token", "code token"):
        assert error_at_client(await ask(gate, response_type=response_type)) == "unsupported_response_type"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("mcp mcp:read nonsense", "mcp mcp:read"), ("mcp admin root *", "mcp"),
        ("mcp mcp:read offline_access", "mcp mcp:read offline_access"),
        (None, "mcp mcp:read"), ("crm:read mcp", "crm:read mcp"), ("mcp mcp:admin", "mcp"),
    ],
)  # fmt: skip
async def test_p8_p10_p11_unknown_scopes_are_dropped(gate: OAuthGateway, asked: str | None, granted: str) -> None:
    """oauth-behaviour P8, P10, P11; facts/oauth.md §2.3."""
    client = await gate.register(scope="mcp mcp:read")
    assert (await gate.tokens(client["client_id"], scope=asked))["scope"] == granted


async def test_p8_only_unknown_scopes_are_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour P8."""
    assert error_at_client(await ask(gate, scope="nonsense admin")) == "invalid_scope"


async def test_p8_registration_says_the_same_of_unknown_scopes(gate: OAuthGateway) -> None:
    """oauth-behaviour P8: consistent with DCR."""
    assert (await gate.register(scope="mcp nonsense crm:read"))["scope"] == "mcp crm:read"


@pytest.mark.parametrize(
    "resource",
    [
        f"{MCP}#f", "/mcp", "javascript:alert(1)", "http://user@127.0.0.1:8080/mcp", "", f"{MCP}-evil", f"{MCP}/../admin", f"{MCP}.evil",
        f"{MCP}%2f..", "https://host.evil/mcp", f"{MCP}?x=1", f"{MCP}/nope", f"{BASE}/", f"{BASE}", f"{MCP}//", f"{MCP}/default",
        "http://127.0.0.1:8080.evil/mcp",
    ],
)  # fmt: skip
async def test_p13_p14_a_foreign_resource_is_refused(gate: OAuthGateway, resource: str) -> None:
    """oauth-behaviour P13, P14; with more than one tenant the bare origin names none of them."""
    assert error_at_client(await ask(gate, resource=resource)) == "invalid_target"


@pytest.mark.parametrize("resource", [MCP, f"{MCP}/", "HTTP://127.0.0.1:8080/mcp", None])
async def test_p17_one_trailing_slash_and_no_resource_mean_the_default(gate: OAuthGateway, resource: str | None) -> None:
    """oauth-behaviour P17; facts/oauth.md §2.11: what real clients send."""
    client = await gate.register()
    pkce = Pkce()
    code = await gate.code(client["client_id"], pkce, resource=resource)
    tokens = (await gate.redeem(client["client_id"], code, pkce, resource=resource)).json()
    assert await gate.call(tokens["access_token"]) == 200
    assert await gate.call(tokens["access_token"], f"{BASE}/mcp/acme") == 401


async def test_the_origin_means_the_default_while_it_is_alone(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.11: Claude Code sends the origin."""
    gate.tenants.replace([tenant for tenant in gate.tenants.all() if tenant.tenant_id == "default"])
    for resource in (BASE, f"{BASE}/"):
        assert (await ask(gate, resource=resource)).status_code == 303
        assert "error" not in urlsplit((await ask(gate, resource=resource)).headers["location"]).query


async def test_p16_two_resources_are_refused_when_one_is_foreign(gate: OAuthGateway) -> None:
    """oauth-behaviour P16."""
    client = await gate.register()
    for other, expected in (("https://evil.example/mcp", "invalid_target"), (f"{BASE}/mcp/acme", "invalid_target")):
        query = urlencode([*parameters(client["client_id"], Pkce()).items(), ("resource", other)])
        assert error_at_client(await gate.request("GET", f"/authorize?{query}")) == expected


async def test_p19_request_objects_are_not_used_and_not_fetched(gate: OAuthGateway) -> None:
    """oauth-behaviour P19."""
    assert error_at_client(await ask(gate, request="eyJhbGciOiJub25lIn0.e30.")) == "request_not_supported"
    assert error_at_client(await ask(gate, request_uri="http://127.0.0.1:9999/")) == "request_uri_not_supported"
    assert gate.web.asked == []


@pytest.mark.parametrize("state", ["a\r\nSet-Cookie: x=1", "ünïcode ☃", '"><script>alert(1)</script>', "a&code=evil&iss=x"])
async def test_p20_state_comes_back_as_it_was(gate: OAuthGateway, state: str) -> None:
    """oauth-behaviour P20."""
    response = await ask(gate, state=state, code_challenge=None)
    assert error_at_client(response, state) == "invalid_request"
    assert "\r" not in response.headers["location"]


async def test_p20_a_state_that_is_too_long_is_not_echoed(gate: OAuthGateway) -> None:
    """oauth-behaviour P20."""
    client, form = await gate.register(), {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(parameters(client["client_id"], Pkce(), state="x" * (16 * 1024 + 1)))
    assert error_at_client(await gate.request("POST", "/authorize", content=body, headers=form), None) == "invalid_request"


async def test_p22_a_live_session_is_not_enough_for_prompt_login_and_max_age(gate: OAuthGateway) -> None:
    """oauth-behaviour P22; OpenID Connect Core §3.1.2.1."""
    client = await gate.register()
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        for changes in ({"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}):
            gate.clock.now += 1
            started = await gate.authorize(browser, client["client_id"], Pkce(), **changes)
            assert started.headers["location"].startswith("/login?request=")
            page = await browser.get(started.headers["location"].replace("/login", "/consent"))
            assert page.status_code == 303
            gate.clock.now += 1
            await gate.sign_in(browser)
            answered = await gate.answer(browser, started.headers["location"].replace("/login", "/consent"))
            assert "code" in answer_of(answered)
        within = await gate.authorize(browser, client["client_id"], Pkce(), max_age="3600")
        assert within.headers["location"].startswith("/consent?request=")


@pytest.mark.parametrize("signed_in", [False, True])
async def test_prompt_none_never_shows_a_page(gate: OAuthGateway, signed_in: bool) -> None:
    """OpenID Connect Core §3.1.2.6."""
    client = await gate.register()
    async with gate.browser() as browser:
        if signed_in:
            await gate.sign_in(browser)
        response = await gate.authorize(browser, client["client_id"], Pkce(), prompt="none")
    assert error_at_client(response) == ("consent_required" if signed_in else "login_required")


async def test_p23_oversized_and_foreign_bodies_are_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour P23."""
    assert (await gate.request("GET", f"/authorize?state={'x' * 60_000}")).status_code == 414
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await gate.request("POST", "/authorize", content=b"state=" + b"x" * 1_000_000, headers=form)).status_code == 413
    assert (await gate.request("POST", "/authorize", files={"client_id": b"x"})).status_code == 415
    assert (await gate.request("POST", "/authorize", json={"client_id": "x"})).status_code == 415
    client = await gate.register()
    assert (await gate.request("POST", "/authorize", data=parameters(client["client_id"], Pkce()))).status_code == 303


@pytest.mark.parametrize("value", ["%ff%fe", "%00", "a%00b", "%c3%28"])
@pytest.mark.parametrize("name", ["state", "scope", "client_id", "unknown"])
async def test_p26_invalid_text_is_refused(gate: OAuthGateway, name: str, value: str) -> None:
    """oauth-behaviour P26."""
    client = await gate.register()
    query = urlencode({key: text for key, text in parameters(client["client_id"], Pkce()).items() if key != name})
    assert (await gate.request("GET", f"/authorize?{query}&{name}={value}")).status_code == 400


@pytest.mark.parametrize("name", ["state", "scope", "code_challenge", "response_type", "prompt"])
async def test_a_parameter_sent_twice_is_refused(gate: OAuthGateway, name: str) -> None:
    """RFC 6749 §3.1."""
    client = await gate.register()
    query = urlencode([*parameters(client["client_id"], Pkce()).items(), (name, "again"), (name, "again")])
    answer = answer_of(await gate.request("GET", f"/authorize?{query}"))
    assert answer["error"] == "invalid_request"


async def test_every_page_and_redirect_is_uncached_and_sends_no_referrer(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.3, oauth-behaviour C5, C23."""
    good, bad, shown = await ask(gate), await ask(gate, code_challenge=None), await ask(gate, redirect_uri="http://evil.example")
    for response in (good, bad, shown):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["x-frame-options"] == "DENY"
    assert (good.status_code, bad.status_code) == (303, 303)
