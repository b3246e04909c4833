"""What is taken leniently opens no door: each leniency beside the nearest thing that it must not take."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest

from oauth.fetch import Fetched
from tests.oauth.gateway import BASE, CALLBACK, OAuthGateway, Pkce, answer_of, oauth_error, parameters

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"\xef\xbb\xbfgrant_type=x&client_id=ID", "invalid_request"),  # a mark before the first name is part of it
        (b"grant_type=x&client_id=ID\xff", "invalid_request"),
        (b"grant_type=x&client_id=ID&a=%c0%af", "invalid_request"),
        (b"grant_type=x&client_id=ID&a=%ed%a0%80", "invalid_request"),
        (b"grant_type=x&client_id=ID&a=%00", "invalid_request"),
        (b"grant_type=x;client_id=ID", "invalid_client"),
        (b"grant_type=x&client_id=ID&client_id=ID", "invalid_request"),
        (b"grant_type=x&client_id=ID&client%5fid=ID", "invalid_request"),
        (b"grant_type=x&client_id=ID&client_id=", "invalid_request"),
        (b"grant_type=x&CLIENT_ID=ID", "invalid_client"),
        (b"grant_type=x&client_id=ID%20", "invalid_client"),
        (b"grant_type=x&client_id=ID\r\n", "invalid_client"),
        (b'{"grant_type":"x","client_id":"ID"}', "invalid_client"),
        (b"", "invalid_client"),
        (b"&&&", "invalid_client"),
        (b"&".join([b"a=b"] * 101), "invalid_request"),
        (b"grant_type=x&client_id=ID", "unsupported_grant_type"),
        (b"grant_type=x&&client_id=ID&", "unsupported_grant_type"),
        (b"grant%5Ftype=x&client%5Fid=ID", "unsupported_grant_type"),
    ],
)  # fmt: skip
async def test_a_form_is_read_one_way_only(gate: OAuthGateway, body: bytes, error: str) -> None:
    """RFC 6749 §3.2 and appendix B: whatever its type says of a charset."""
    client_id = (await gate.register())["client_id"].encode()
    for charset in ("", "; charset=iso-8859-1", "; charset=utf-8"):
        answer = await gate.request(
            "POST", "/token", content=body.replace(b"ID", client_id), headers={"content-type": FORM["content-type"] + charset}
        )
        assert oauth_error(answer)[1] == error


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def test_no_header_or_member_makes_a_confidential_client_a_public_one(gate: OAuthGateway) -> None:
    """RFC 6749 §2.3: at the token endpoint, at revocation, at introspection and where requests are pushed."""
    client = await gate.register(token_endpoint_auth_method="client_secret_basic")
    other = await gate.register()
    me, secret = client["client_id"], client["client_secret"]
    downgraded: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({}, {"client_id": me}),
        ({}, {"client_id": me, "client_secret": ""}),
        ({}, {"client_id": me, "client_secret": secret}),
        ({"authorization": "Bearer x"}, {"client_id": me}),
        ({"authorization": "Basic"}, {"client_id": me}),
        ({"authorization": "Basic Og=="}, {"client_id": me}),
        (basic(f"{me}:"), {}),
        (basic(f"{me}:"), {"client_id": me}),
        (basic(f"{me}:{secret}x"), {}),
        (basic(f"{me}:{secret}:"), {}),
        (basic(f" {me}:{secret}"), {}),
        (basic(me), {}),
        (basic(f"{other['client_id']}:"), {"client_id": me}),
        (basic(f"{me}:{secret}"), {"client_id": other["client_id"]}),
        (basic(f"{me}:{secret}"), {"client_secret": secret}),
        (basic(f"{me}:{secret}"), {"client_assertion_type": "x"}),
        ({"authorization": f"Bearer {secret}"}, {"client_id": me}),
        ({}, {"client_id": me, "client_assertion": "e30.e30."}),
    ]
    for path in ("/token", "/revoke", "/introspect", "/par"):
        for headers, form in downgraded:
            facts = {**parameters(me, Pkce()), "grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
            del facts["client_id"]
            answer = await gate.request("POST", path, data={**facts, **form}, headers=headers)
            status, error = oauth_error(answer)
            assert (status, error) in ((401, "invalid_client"), (400, "invalid_request")), (path, headers, form)
    right = await gate.request(
        "POST", "/token", data={"grant_type": "refresh_token", "refresh_token": "x"}, headers=basic(f"{me}:{secret}")
    )
    assert oauth_error(right) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": None}, {"code_challenge_method": "plain"}, {"code_challenge_method": "s256"}, {"code_challenge": None},
        {"code_challenge_method": "S256 "}, {"code_challenge": "x" * 42}, {"code_challenge": "x" * 44}, {"code_challenge": "é" * 43},
        {"code_challenge": "x" * 42 + "="}, {"code_challenge": "x" * 42 + "\n"}, {"code_challenge": "", "code_challenge_method": ""},
    ],
    ids=str,
)  # fmt: skip
async def test_no_request_goes_without_pkce(gate: OAuthGateway, changes: dict[str, str | None]) -> None:
    """OAuth 2.1 §4.1.1, RFC 7636 §4.4.1: also pushed, also with a long state."""
    client = (await gate.register())["client_id"]
    facts = parameters(client, Pkce(), state="s" * 9_000, **changes)
    async with gate.browser() as browser:
        answer = answer_of(await browser.get(f"/authorize?{urlencode(facts)}"))
    assert (answer["error"], answer["iss"]) == ("invalid_request", BASE)
    assert oauth_error(await gate.request("POST", "/par", data=facts)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "verifier", [None, "", "x" * 42, "x" * 43, "x" * 129, "CHALLENGE", "VERIFIER ", "VERIFIER\n", "verifier", "%56ERIFIER"]
)
async def test_a_code_takes_its_own_verifier_and_no_other(gate: OAuthGateway, verifier: str | None) -> None:
    """RFC 7636 §4.6: and a wrong one spends the code, as anybody may guess."""
    client, pkce = (await gate.register())["client_id"], Pkce()
    code = await gate.code(client, pkce)
    tried = None if verifier is None else verifier.replace("CHALLENGE", pkce.challenge).replace("VERIFIER", pkce.verifier)
    answer = await gate.redeem(client, code, pkce, code_verifier=tried)
    assert oauth_error(answer)[1] in ("invalid_grant", "invalid_request")


@pytest.mark.parametrize(
    ("asked", "error"),
    [("offline_access\x00", "invalid_request"), ("openid profile", "invalid_scope"), ("OFFLINE_ACCESS", "invalid_scope"),
     ("mcp:*", "invalid_scope"), ("*", "invalid_scope"), ("mcp:admin", "invalid_scope"), ("offline_access,mcp:write", "invalid_scope")],
)  # fmt: skip
async def test_a_scope_that_is_none_gives_nothing(gate: OAuthGateway, asked: str, error: str) -> None:
    """Kind 11: `offline_access` alone is the baseline; what only resembles a scope is none."""
    client = (await gate.register())["client_id"]
    async with gate.browser() as browser:
        answer = await gate.authorize(browser, client, Pkce(), scope=asked)
    if answer.status_code == 303:
        assert answer_of(answer)["error"] == error
    else:
        assert (answer.status_code, error in answer.text) == (400, True)


async def test_offline_access_alone_never_widens_a_token(gate: OAuthGateway) -> None:
    """The baseline, and never what the client once registered or the person may do."""
    client = (await gate.register(scope="mcp mcp:write mcp:destructive offline_access"))["client_id"]
    tokens = await gate.tokens(client, scope="offline_access")
    assert tokens["scope"] == "mcp mcp:read offline_access"
    wider = await gate.refresh(client, tokens["refresh_token"], scope="mcp mcp:write")
    assert oauth_error(wider) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": [None]}, {"redirect_uris": [CALLBACK, None]}, {"grant_types": [None]}, {"response_types": [None]},
        {"jwks": {"keys": None}}, {"jwks": {"keys": [None]}}, {"token_endpoint_auth_method": "private_key_jwt", "jwks": None},
        {"redirect_uris": None, "grant_types": None}, {"redirect_uris": []},
    ],
    ids=str,
)  # fmt: skip
async def test_null_inside_a_member_is_not_as_omitted(gate: OAuthGateway, metadata: dict[str, object]) -> None:
    """RFC 7592 §2.2 speaks of members; what they hold has its own rules."""
    answer = await gate.request("POST", "/register", json={"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", **metadata})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri")


async def test_null_removes_nothing_that_protects(gate: OAuthGateway) -> None:
    """RFC 7592 §2.2: a client that changes cannot leave its way of authentication by naming none."""
    client = await gate.register(token_endpoint_auth_method="client_secret_basic")
    own = {"authorization": f"Bearer {client['registration_access_token']}"}
    facts = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": None, "client_secret": None, "client_id": None}
    changed = await gate.request("PUT", f"/register/{client['client_id']}", json=facts, headers=own)
    assert (changed.status_code, changed.json()["token_endpoint_auth_method"]) == (200, "client_secret_basic")
    downgraded = await gate.request(
        "PUT", f"/register/{client['client_id']}", json={**facts, "token_endpoint_auth_method": "none"}, headers=own
    )
    assert downgraded.status_code == 400
    url = "https://app.example.com/client.json"
    for wrong in ({"client_id": None}, {"client_secret": "x"}, {"token_endpoint_auth_method": "client_secret_basic"}):
        document = {"client_id": url, "redirect_uris": [CALLBACK], **wrong}
        gate.web.answers[url] = Fetched(200, {"content-type": "application/json"}, json.dumps(document).encode())
        async with gate.browser() as browser:
            assert (await gate.authorize(browser, url, Pkce())).status_code == 400


@pytest.mark.parametrize(
    "state",
    ["é" * 2000, "a=b&code=evil&iss=https://evil.test", "%0d%0aSet-Cookie: x=y", "x\r\nLocation: //evil", "<script>", "+ %2B", "#code=x"],
)
async def test_a_state_comes_back_as_it_was_and_as_nothing_else(gate: OAuthGateway, state: str) -> None:
    """RFC 6749 §4.1.2: in the query alone, and beside one code and one iss."""
    client = (await gate.register())["client_id"]
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client, Pkce(), state=state)
        answered = await gate.answer(browser, started.headers["location"])
    assert set(answer_of(answered)) == {"code", "state", "iss"}
    assert (answer_of(answered)["state"], answer_of(answered)["iss"]) == (state, BASE)
    location = answered.headers["location"]
    assert location.startswith(f"{CALLBACK}?code=")
    assert "#" not in location


async def test_a_browser_of_any_name_of_this_machine_comes_to_our_own(gate: OAuthGateway) -> None:
    """Cookies and passkeys belong to one name; a name that is not this machine's leads nowhere."""
    client = (await gate.register())["client_id"]
    query = urlencode(parameters(client, Pkce()))
    for host, moves in (
        ("localhost:8080", True),
        ("[::1]:8080", True),
        ("LOCALHOST:8080", True),
        ("localhost:8081", False),
        ("evil.test", False),
    ):
        async with gate.browser() as browser:
            answer = await browser.get(f"/authorize?{query}", headers={"host": host})
        assert (answer.headers["location"] == f"{BASE}/authorize?{query}") == moves, host


async def test_a_preflight_permits_what_clients_add_and_a_strange_page_nothing(gate: OAuthGateway) -> None:
    """Fetch §3.3.5: MCP's Mcp-Param-* cannot be listed, and `*` never stands for Authorization, which is."""
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, mcp-param-region, traceparent"}
    for path in ("/mcp", "/token"):
        answer = await gate.request("OPTIONS", path, headers={"origin": BASE, **asks})
        permitted = answer.headers["access-control-allow-headers"].split(", ")
        assert {"Authorization", "*"} <= set(permitted)
        assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://evil.test", "null", f"{BASE}.evil.test"):
        answer = await gate.request("OPTIONS", "/mcp", headers={"origin": origin, **asks})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
