"""facts/oauth-behaviour.md §7: dynamic registration."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from server.rate_limits import RateLimited
from tests.oauth.gateway import CALLBACK, OAuthGateway, Pkce, gateway, oauth_error

WEB = "https://app.example/cb"


async def post(gate: OAuthGateway, **metadata: object) -> httpx2.Response:
    default: dict[str, object] = {"redirect_uris": [WEB], "token_endpoint_auth_method": "none"}
    return await gate.request("POST", "/register", json=default | metadata)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://x/y", "about:blank",
        "view-source:https://x", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "http://evil.example/cb", "http://10.0.0.1/cb",
        "http://0x7f.1/cb", "http://2130706433/", "http://localhost.evil/", "https://169.254.169.254/cb", "https://аpple.example/cb",
        "https://user@app.example/cb", "https://app.example/cb#f", "https://app.example/cb#", "https://*.app.example/cb",
        "https://127.0.0.1/cb",
        "https://localhost/cb", "https:///cb", "https://app.example:0/cb", "//app.example/cb", "/cb", "", "ws://app.example/cb", "abc:",
        "x:/y",
        "https://app.example/c b", "https://app.example\\@evil.example/", "https://[::1]/cb", "HTTPS://app.example/cb",
        "https://0x7f.0.0.1/cb",
        "myapp://user@host/cb", "https://127.1/cb", "http://127.0.0.1.evil.example/cb", "intent://x", "https://app.example/\x00",
    ],
)  # fmt: skip
async def test_g1_g2_g4_g5_g7_one_bad_redirect_uri_spoils_the_registration(gate: OAuthGateway, uri: str) -> None:
    """oauth-behaviour G1, G2, G4, G5, G7: nothing is stored."""
    assert oauth_error(await post(gate, redirect_uris=[uri])) == (400, "invalid_redirect_uri")
    assert oauth_error(await post(gate, redirect_uris=[WEB, uri])) == (400, "invalid_redirect_uri")
    assert await gate.client_store.all() == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": []}, {"redirect_uris": None}, {"redirect_uris": WEB}, {"redirect_uris": [1]}, {"redirect_uris": [WEB] * 1000},
        {"redirect_uris": [f"https://app.example/{'x' * 513}"]}, {"redirect_uris": {"a": WEB}},
    ],
    ids=lambda metadata: str(metadata)[:40],
)  # fmt: skip
async def test_g8_redirect_uris_are_a_short_list(gate: OAuthGateway, metadata: dict[str, object]) -> None:
    """oauth-behaviour G8."""
    assert oauth_error(await post(gate, **metadata))[1] in ("invalid_redirect_uri", "invalid_client_metadata")


async def test_g8_redirect_uris_must_be_there(gate: OAuthGateway) -> None:
    """oauth-behaviour G8."""
    response = await gate.request("POST", "/register", json={"client_name": "x"})
    assert oauth_error(response) == (400, "invalid_redirect_uri")
    huge = await gate.request("POST", "/register", json={"redirect_uris": [f"https://app.example/{'x' * 100_000}"]})
    assert huge.status_code == 413


@pytest.mark.parametrize("name", ["logo_uri", "jwks_uri", "sector_identifier_uri", "policy_uri", "client_uri", "tos_uri"])
@pytest.mark.parametrize("uri", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://169.254.169.254/latest"])
async def test_g10_c7_links_are_refused_or_never_fetched(gate: OAuthGateway, name: str, uri: str) -> None:
    """oauth-behaviour G10, C7."""
    response = await post(gate, **{name: uri})
    assert response.status_code == 201 or oauth_error(response) == (400, "invalid_client_metadata")
    if not uri.startswith("http"):
        assert response.status_code == 400
    assert gate.web.asked == []


RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    "keys",
    [
        {"jwks": {"keys": [EC.as_dict(private=False)]}, "jwks_uri": "https://app.example/jwks"},
        {"jwks": {"keys": [EC.as_dict(private=True)]}}, {"jwks": {"keys": [RSA.as_dict(private=True)]}},
        {"jwks": {"keys": [OctKey.generate_key(256).as_dict()]}}, {"jwks": {"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]}},
        {"jwks": {"keys": []}}, {"jwks": {"keys": "x"}}, {"jwks": {}}, {"jwks": "x"}, {"jwks": {"keys": [{"kty": "EC", "crv": "P-256"}]}},
        {"jwks": {"keys": [{"kty": "nonsense"}]}}, {},
    ],
)  # fmt: skip
async def test_g11_only_public_keys_of_useful_size_are_taken(gate: OAuthGateway, keys: dict[str, object]) -> None:
    """oauth-behaviour G11."""
    response = await post(gate, token_endpoint_auth_method="private_key_jwt", **keys)
    assert oauth_error(response) == (400, "invalid_client_metadata")


async def test_g13_ids_and_secrets_are_ours_to_choose(gate: OAuthGateway) -> None:
    """oauth-behaviour G13."""
    first = await gate.register()
    chosen = {"client_id": first["client_id"], "client_secret": "mine", "registration_access_token": "mine", "client_id_issued_at": 0}
    second = await gate.register(token_endpoint_auth_method="client_secret_post", **chosen)
    assert second["client_id"] != first["client_id"]
    assert "mine" not in (second["client_secret"], second["registration_access_token"])
    found = await gate.client_store.find(first["client_id"])
    assert found is not None
    assert found.auth_method == "none"


DEEP = b'{"a":' * 1000 + b"1" + b"}" * 1000


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"redirect_uris":["https://a.example/"]}', "text/plain"), (b"redirect_uris=x", "application/x-www-form-urlencoded"),
        (b'\xef\xbb\xbf{"redirect_uris":["https://a.example/"]}', "application/json"),
        (b'{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}', "application/json"),
        (DEEP, "application/json"), (b'{"redirect_uris":["https://a.example/"],"x":NaN}', "application/json"), (b"[]", "application/json"),
        (b"", "application/json"), (b"null", "application/json"), (b"\xff", "application/json"), (b" " * 1_000_000, "application/json"),
        (b'{"redirect_uris":["https://a.example/"],"client_name":7}', "application/json"),
        (b'{"redirect_uris":["https://a.example/"],"client_name":"\\ud800"}', "application/json"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
async def test_g14_only_one_clean_json_object_is_read(gate: OAuthGateway, content: bytes, media_type: str) -> None:
    """oauth-behaviour G14."""
    response = await gate.request("POST", "/register", content=content, headers={"content-type": media_type})
    assert response.status_code in (400, 413, 415)
    assert oauth_error(response)[1] in ("invalid_client_metadata", "invalid_request", "invalid_redirect_uri")


@pytest.mark.parametrize("grant_type", ["implicit", "password", "client_credentials"])
async def test_grants_that_nobody_gives_oneself_are_refused(gate: OAuthGateway, grant_type: str) -> None:
    """OAuth 2.1; MCP client credentials extension: pre-registered clients only."""
    response = await post(gate, grant_types=["authorization_code", grant_type])
    assert oauth_error(response) == (400, "invalid_client_metadata")
    assert oauth_error(await post(gate, response_types=["token"])) == (400, "invalid_client_metadata")
    assert oauth_error(await post(gate, token_endpoint_auth_method="tls_client_auth")) == (400, "invalid_client_metadata")


async def test_g16_a_flood_of_registrations_is_slowed_down(tmp_path: Path) -> None:
    """oauth-behaviour G16."""
    async with gateway(tmp_path, rate_limit_scale=1.0) as gate:
        responses = [await post(gate) for _ in range(60)]
        refused = [response for response in responses if response.status_code == 429]
        assert refused
        assert int(refused[0].headers["retry-after"]) >= 1
        assert len(await gate.client_store.all()) == 60 - len(refused) < 60
        assert oauth_error(await gate.token(grant_type="refresh_token", client_id="x")) == (401, "invalid_client")


async def manage(gate: OAuthGateway, method: str, client: dict[str, Any], token: str | None, **options: Any) -> httpx2.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    path = client["registration_client_uri"].removeprefix(gate.settings.base_url)
    return await gate.request(method, path, headers=headers, **options)


async def test_g17_a_registration_is_managed_by_its_own_token_only(gate: OAuthGateway) -> None:
    """oauth-behaviour G17; RFC 7592 §2."""
    client, other = await gate.register(), await gate.register()
    for method in ("GET", "PUT", "DELETE"):
        for token in (None, "wrong", "asc_rat_" + "a" * 43, other["registration_access_token"]):
            response = await manage(gate, method, client, token, **({"json": {}} if method == "PUT" else {}))
            assert oauth_error(response) == (401, "invalid_token")
    token = client["registration_access_token"]
    read = await manage(gate, "GET", client, token)
    assert read.json()["redirect_uris"] == [CALLBACK]
    assert (await manage(gate, "DELETE", client, token)).status_code == 204
    assert oauth_error(await manage(gate, "GET", client, token)) == (401, "invalid_token")


async def test_g17_a_change_follows_the_rules_of_a_registration(gate: OAuthGateway) -> None:
    """oauth-behaviour G17; RFC 7592 §2.2."""
    client = await gate.register()
    token = client["registration_access_token"]
    refused: list[dict[str, object]] = [
        {"redirect_uris": ["javascript:x"]},
        {"redirect_uris": []},
        {"redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]},
    ]
    for change in refused:
        assert (await manage(gate, "PUT", client, token, json=change)).status_code == 400
    assert oauth_error(await manage(gate, "PUT", client, token, json={"client_id": "other", "redirect_uris": [CALLBACK]}))[0] == 400
    changed = await manage(gate, "PUT", client, token, json={"redirect_uris": [WEB], "client_name": "Renamed"})
    assert (changed.status_code, changed.json()["client_name"], changed.json()["client_id"]) == (200, "Renamed", client["client_id"])


async def test_a_removed_client_takes_its_tokens_along(gate: OAuthGateway) -> None:
    """RFC 7592 §2.3."""
    client = await gate.register()
    tokens = await gate.tokens(client["client_id"])
    await manage(gate, "DELETE", client, client["registration_access_token"])
    assert await gate.call(tokens["access_token"]) == 401


async def test_g19_a_client_that_is_used_stays(gate: OAuthGateway) -> None:
    """oauth-behaviour G19; facts/oauth.md §2.3: none is deleted while its grants live."""
    client, unused = await gate.register(), await gate.register()
    gate.clock.now += 20 * 24 * 3600
    await gate.server.sweep()
    assert await gate.client_store.find(unused["client_id"]) is not None
    tokens = await gate.tokens(client["client_id"])
    for _ in range(4):
        gate.clock.now += 20 * 24 * 3600
        await gate.server.sweep()
        response = await gate.refresh(client["client_id"], tokens["refresh_token"])
        assert response.status_code == 200
        tokens = response.json()
    assert await gate.client_store.find(unused["client_id"]) is None


async def test_g20_a_borrowed_name_does_not_hide_where_the_answer_goes(gate: OAuthGateway) -> None:
    """oauth-behaviour G20."""
    client = await gate.register(client_name="Claude Code", redirect_uris=["https://evil.example/cb"])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client["client_id"], Pkce(), redirect_uri="https://evil.example/cb")
        page = (await browser.get(started.headers["location"])).text
    assert "evil.example" in page
    assert "Nobody has verified this application" in page


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Spaced \n out ", "Spaced out"),
        ("\u202eevil\u202c", "evil"),
        ("a" * 500, "a" * 100),
        ("", "127.0.0.1:3333"),
        ("\x00\x1b", "127.0.0.1:3333"),
    ],
)
async def test_names_are_cleaned(gate: OAuthGateway, name: str, shown: str) -> None:
    """facts/oauth.md §2.6: no control or direction-changing characters."""
    assert (await gate.register(client_name=name))["client_name"] == shown


async def test_the_application_type_is_honoured(gate: OAuthGateway) -> None:
    """MCP authorization 2026-07-28: native has loopback and its own schemes, web has https; RFC 7591 §3.2.1: what is registered counts."""
    assert (await gate.register())["application_type"] == "native"
    assert (await gate.register(redirect_uris=[WEB]))["application_type"] == "web"
    assert (await gate.register(redirect_uris=[WEB], application_type="native"))["application_type"] == "native"
    for uri in (CALLBACK, "cursor://anysphere.cursor-mcp/oauth/callback"):
        assert (await gate.register(redirect_uris=[uri], application_type="web"))["application_type"] == "native"
    assert oauth_error(await post(gate, application_type="desktop")) == (400, "invalid_client_metadata")


async def test_the_log_says_why_a_registration_was_refused(gate: OAuthGateway, caplog: pytest.LogCaptureFixture) -> None:
    """The operator of the server is asked by the operator of the client, and has only the log."""
    caplog.set_level(logging.INFO)
    await post(gate, redirect_uris=["http://app.example/cb"])
    [refused] = [record for record in caplog.records if record.getMessage() == "oauth_refused"]
    facts = vars(refused)["facts"]
    assert (facts["error"], facts["description"]) == ("invalid_redirect_uri", "http is only for localhost, 127.0.0.1 and [::1]; use https")


async def test_the_three_uris_of_cursor_pass_together(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.11: one refused URI and the client gives up."""
    uris = [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    ]
    assert (await gate.register(redirect_uris=uris))["redirect_uris"] == uris


async def test_a_registration_answers_with_what_holds(gate: OAuthGateway) -> None:
    """RFC 7591 §3.2.1."""
    minimal = await gate.request("POST", "/register", json={"redirect_uris": [WEB], "grant_types": ["authorization_code", "unheard-of"]})
    assert minimal.status_code == 201
    facts = minimal.json()
    assert facts["token_endpoint_auth_method"] == "client_secret_basic"
    assert (facts["client_secret_expires_at"], facts["grant_types"]) == (0, ["authorization_code"])
    assert json.dumps(facts).count("asc_cs_") == 1
    assert not facts["client_id"].startswith("http")


async def test_registration_above_the_limit_of_the_gateway_is_open_to_an_address_that_registered_nothing(tmp_path: Path) -> None:
    """Eleven addresses closed it for everybody."""
    async with gateway(tmp_path, rate_limit_scale=1.0) as gate:
        for _ in range(300):
            with suppress(RateLimited):
                await gate.limits.check("register", "all")
        assert (await post(gate)).status_code == 201
        assert (await post(gate)).status_code == 201
        assert (await post(gate)).status_code == 429
