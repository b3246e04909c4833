"""Tokens without a browser of their own: service principals, devices, enterprise assertions, signed client assertions."""

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from oauth.client import CLIENT_CREDENTIALS, JWT_BEARER, Client
from oauth.fetch import Fetched
from oauth.grants.jwt_bearer import TrustedIssuer
from oauth.tokens.formats import hash_token, new_token
from server.assembly.authorization import AuthorizationServer, OAuthStores
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.oauth.gateway import BASE, MCP, MCP2, PROVIDER_SCOPES, Gateway, Pkce, answer_of, form_of, gateway, oauth_error, parameters

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = new_token("cs")
SERVICE = Client(
    client_id="nightly-report",
    kind="registered",
    name="Nightly report",
    redirect_uris=(),
    created_at=time.time(),
    auth_method="client_secret_basic",
    grant_types=frozenset({CLIENT_CREDENTIALS}),
    secret_hash=hash_token(SECRET),
    tenant_id="acme",
    service_subject="service:nightly-report",
    service_scopes=frozenset({"mcp", "crm:read"}),
)


async def as_service(gate: Gateway, secret: str = SECRET, **form: str) -> httpx2.Response:
    credentials = base64.b64encode(f"{SERVICE.client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials"} | form
    return await gate.request("POST", "/token", data=form, headers={"authorization": f"Basic {credentials}"})


async def test_a_service_principal_gets_what_its_operator_gave(gate: Gateway) -> None:
    """RFC 6749 §4.4; no refresh token, one tenant, narrowed scopes."""
    await gate.client_store.save(SERVICE)
    tokens = (await as_service(gate, scope="mcp mcp:read mcp:destructive")).json()
    assert tokens["scope"] == "crm:read mcp"
    assert "refresh_token" not in tokens
    assert (await gate.call(tokens["access_token"], MCP2), await gate.call(tokens["access_token"])) == (200, 401)
    assert oauth_error(await as_service(gate, resource=MCP)) == (400, "invalid_target")
    assert oauth_error(await as_service(gate, scope="crm:destructive")) == (400, "invalid_scope")
    assert oauth_error(await as_service(gate, secret=new_token("cs"))) == (401, "invalid_client")


async def test_client_credentials_are_for_clients_of_an_operator(gate: Gateway) -> None:
    """MCP client credentials extension."""
    for changes in ({"kind": "dynamic"}, {"service_subject": ""}, {"tenant_id": None}, {"tenant_id": "gone"}):
        await gate.client_store.save(replace(SERVICE, **changes))
        assert oauth_error(await as_service(gate)) == (400, "unauthorized_client")


async def begin_device(gate: Gateway, **form: str) -> tuple[str, dict[str, Any]]:
    client = await gate.register(redirect_uris=[], grant_types=[DEVICE, "refresh_token"], client_name="Headless")
    response = await gate.request("POST", "/device_authorization", data={"client_id": client["client_id"], "scope": "mcp mcp:read"} | form)
    assert response.status_code == 200, response.text
    facts: dict[str, Any] = response.json()
    return client["client_id"], facts


async def poll(gate: Gateway, client_id: str, facts: dict[str, Any], wait_s: float = 5) -> httpx2.Response:
    gate.clock.now += wait_s
    return await gate.token(grant_type=DEVICE, client_id=client_id, device_code=facts["device_code"])


async def type_code(gate: Gateway, browser: httpx2.AsyncClient, code: str) -> httpx2.Response:
    page = await browser.get("/device")
    return await browser.post("/device", data=form_of(page.text) | {"user_code": code})


async def test_x11_a_device_gets_its_tokens_when_its_person_said_yes(gate: Gateway) -> None:
    """oauth-behaviour X11; RFC 8628 §3."""
    client_id, facts = await begin_device(gate)
    assert urlsplit(facts["verification_uri"]).path == "/device"
    assert oauth_error(await poll(gate, client_id, facts)) == (400, "authorization_pending")
    assert oauth_error(await poll(gate, client_id, facts, 1)) == (400, "slow_down")
    assert oauth_error(await poll(gate, client_id, facts, 6)) == (400, "slow_down")
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        found = await type_code(gate, browser, facts["user_code"].lower().replace("-", " "))
        page = await browser.get(found.headers["location"])
        assert "Headless" in page.text
        assert "You give access to a device" in page.text
        done = await browser.post("/consent", data=form_of(page.text) | {"decision": "allow"})
        assert done.headers["location"] == f"{BASE}/device?done=approved"
        assert "connected" in (await browser.get("/device?done=approved")).text
        again = await type_code(gate, browser, facts["user_code"])
        assert again.status_code == 400
    tokens = (await poll(gate, client_id, facts, 20)).json()
    assert await gate.call(tokens["access_token"]) == 200
    assert (await gate.refresh(client_id, tokens["refresh_token"])).status_code == 200
    assert oauth_error(await poll(gate, client_id, facts, 20)) == (400, "invalid_grant")


@pytest.mark.parametrize(("scope", "given"), [("mcp mcp:read mcp:write", "mcp mcp:read"), ("mcp:write", None)])
async def test_a_device_is_given_what_its_person_left_it(gate: Gateway, scope: str, given: str | None) -> None:
    """The same page with the same boxes; with everything left out the device hears a no and need not wait."""
    client_id, facts = await begin_device(gate, scope=scope)
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        page = await browser.get((await type_code(gate, browser, facts["user_code"])).headers["location"])
        form = form_of(page.text) | {"decision": "allow"}
        del form["scope:mcp:write"]
        await browser.post("/consent", data=form)
    told = await poll(gate, client_id, facts)
    assert told.json().get("scope") == given
    assert told.json().get("error") == (None if given else "access_denied")


async def test_x11_a_device_hears_of_a_no_of_time_and_of_nothing_foreign(gate: Gateway) -> None:
    """oauth-behaviour X11; RFC 8628 §3.5."""
    client_id, facts = await begin_device(gate)
    async with gate.browser() as browser:
        found = await type_code(gate, browser, facts["user_code"])
        assert found.headers["location"].startswith("/login?request=")
        await gate.sign_in(browser)
        denied = await gate.answer(browser, found.headers["location"].replace("/login", "/consent"), "deny")
        assert denied.headers["location"] == f"{BASE}/device?done=denied"
    assert oauth_error(await poll(gate, client_id, facts)) == (400, "access_denied")
    client_id, facts = await begin_device(gate)
    other = await gate.register(redirect_uris=[], grant_types=[DEVICE])
    assert oauth_error(await poll(gate, other["client_id"], facts)) == (400, "invalid_grant")
    assert oauth_error(await poll(gate, client_id, {"device_code": "asc_dc_" + "a" * 43})) == (400, "invalid_grant")
    assert oauth_error(await poll(gate, client_id, facts, 700)) == (400, "expired_token")
    plain = await gate.register()
    begun = await gate.request("POST", "/device_authorization", data={"client_id": plain["client_id"]})
    assert oauth_error(begun) == (400, "unauthorized_client")


async def test_x11_user_codes_cannot_be_guessed_quickly(tmp_path: Path) -> None:
    """oauth-behaviour X11; RFC 8628 §5.1."""
    async with gateway(tmp_path, rate_limit_scale=1.0) as gate, gate.browser() as browser:
        statuses = [(await type_code(gate, browser, "BCDF-GHJK")).status_code for _ in range(40)]
    assert set(statuses) == {400, 429}


async def test_d22_the_code_page_takes_its_own_forms_only(gate: Gateway) -> None:
    """oauth-behaviour D22, C4."""
    _, facts = await begin_device(gate)
    async with gate.browser() as browser:
        form = form_of((await browser.get("/device")).text) | {"user_code": facts["user_code"]}
        for headers in ({"origin": "null"}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert (await browser.post("/device", data=form, headers=headers)).status_code == 403
        assert (await browser.post("/device", data=form | {"csrf": "x"})).status_code == 403


KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"})


def signed(claims: dict[str, object], key: ECKey = KEY, **header: object) -> str:
    return jwt.encode({"alg": "ES256", "kid": "one"} | header, claims, key)


def client_claims(gate: Gateway, client_id: str, **changes: object) -> dict[str, object]:
    now = int(gate.clock.now)
    claims: dict[str, object] = {"iss": client_id, "sub": client_id, "aud": BASE, "exp": now + 60, "iat": now, "jti": new_token("cs")}
    return {name: value for name, value in (claims | changes).items() if value is not None}


async def with_assertion(gate: Gateway, assertion: str, **form: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": ASSERTION, "client_assertion": assertion} | form
    return await gate.token(**form)


async def test_a_client_signs_its_requests(gate: Gateway) -> None:
    """RFC 7523 §2.2; each assertion once, for this issuer alone, by this client's key."""
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]})
    client_id = client["client_id"]
    good = signed(client_claims(gate, client_id))
    assert oauth_error(await with_assertion(gate, good)) == (400, "invalid_grant")
    assert oauth_error(await with_assertion(gate, good)) == (401, "invalid_client")
    assert oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id, aud=f"{BASE}/token")))) == (400, "invalid_grant")
    bad: list[dict[str, object]] = [
        {"aud": "https://other.example"}, {"aud": [BASE, "https://other.example"]}, {"aud": None}, {"exp": None}, {"jti": None}, {"jti": 7},
        {"exp": int(gate.clock.now) - 60}, {"exp": int(gate.clock.now) + 7200}, {"iss": "other"}, {"sub": "other"}, {"exp": True},
        {"nbf": int(gate.clock.now) + 600}, {"iat": int(gate.clock.now) + 600}, {"jti": "x" * 300},
    ]  # fmt: skip
    for changes in bad:
        assert (
            oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id, **changes)), client_id=client_id))[1]
            == "invalid_client"
        )
    assert oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id), OTHER_KEY))) == (401, "invalid_client")
    for broken in ("", "x", "a.b.c", "a" * 9000, unsigned(client_claims(gate, client_id))):
        assert oauth_error(await with_assertion(gate, broken, client_id=client_id)) == (401, "invalid_client")
    assert oauth_error(await with_assertion(gate, good, client_secret="x")) == (400, "invalid_request")
    assert oauth_error(await with_assertion(gate, good, client_assertion_type="x")) == (401, "invalid_client")


def unsigned(claims: dict[str, object]) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


async def test_t25_a_public_client_cannot_borrow_an_assertion(gate: Gateway) -> None:
    """oauth-behaviour T25."""
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]})
    public = await gate.register()
    assertion = signed(client_claims(gate, client["client_id"]))
    assert oauth_error(await with_assertion(gate, assertion, client_id=public["client_id"])) == (401, "invalid_client")


async def test_keys_at_a_url_are_fetched_and_fetched_again_when_they_changed(gate: Gateway) -> None:
    """oauth-behaviour S17, M8: through the guarded fetch every time, at most once a minute for unknown keys."""
    url = "https://client.example/jwks"
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks_uri=url)
    client_id = client["client_id"]

    async def attempt(key: ECKey = KEY, **header: object) -> str:
        return oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id), key, **header)))[1]

    assert await attempt() == "invalid_client"
    gate.web.answers[url] = Fetched(200, {}, json.dumps({"keys": [KEY.as_dict(private=False)]}).encode())
    assert await attempt() == "invalid_grant"
    newer = ECKey.generate_key("P-256", {"kid": "two"})
    gate.web.answers[url] = Fetched(200, {}, json.dumps({"keys": [newer.as_dict(private=False)]}).encode())
    asked = len(gate.web.asked)
    for index in range(10):
        assert await attempt(newer, kid=f"unknown-{index}") == "invalid_client"
    assert len(gate.web.asked) == asked
    gate.clock.now += 61
    assert await attempt(newer, kid="two") == "invalid_grant"
    gate.clock.now += 301
    del gate.web.answers[url]
    assert await attempt(newer, kid="two") == "invalid_client"


ISSUER = "https://idp.example"


def enterprise(gate: Gateway) -> Gateway:
    """Return the gateway with an identity provider that vouches at the tenant acme."""
    jwks = json.dumps({"keys": [KEY.as_dict(private=False)]})

    async def subject_of(tenant_id: str, issuer: str, subject: str) -> str | None:
        return f"{subject}@{tenant_id}" if subject != "stranger" else None

    async def allowed(tenant_id: str, subject: str) -> frozenset[str]:
        return frozenset({"mcp", "crm:read", "crm:write"})

    gate.server = AuthorizationServer(
        settings=gate.settings,
        stores=OAuthStores(gate.grants, gate.client_store, gate.audit, SqlStaticTokenStore(gate.database)),
        tenants=gate.tenants,
        fetch=gate.web,
        allowed_scopes=allowed,
        provider_scopes=lambda _tenant_id: PROVIDER_SCOPES,
        trusted_issuers=[TrustedIssuer("acme", ISSUER, jwks=jwks)],
        subject_of=subject_of,
        clock=gate.clock,
    )
    gate.app = gate.build()
    return gate


def id_jag(gate: Gateway, caller: str, **changes: object) -> dict[str, object]:
    now = int(gate.clock.now)
    claims: dict[str, object] = {
        "iss": ISSUER, "sub": "ada", "aud": BASE, "client_id": caller, "resource": MCP2, "scope": "mcp mcp:read",
        "exp": now + 300, "iat": now, "jti": new_token("cs"),
    }  # fmt: skip
    return {name: value for name, value in (claims | changes).items() if value is not None}


async def vouched(gate: Gateway, client_id: str, claims: dict[str, object], key: ECKey = KEY, **options: str) -> httpx2.Response:
    assertion = signed(claims, key, typ=options.pop("typ", "oauth-id-jag+jwt"))
    return await gate.token(grant_type=JWT_BEARER, client_id=client_id, assertion=assertion, **options)


async def test_a_company_vouches_for_its_person(gate: Gateway) -> None:
    """MCP enterprise-managed authorization; scopes are the intersection of all sides."""
    enterprise(gate)
    metadata = (await gate.request("GET", "/.well-known/oauth-authorization-server")).json()
    assert metadata["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    client = await gate.register(grant_types=["authorization_code", JWT_BEARER])
    tokens = (await vouched(gate, client["client_id"], id_jag(gate, client["client_id"]))).json()
    assert (tokens["scope"], "refresh_token" in tokens) == ("crm:read mcp", False)
    assert (await gate.call(tokens["access_token"], MCP2), await gate.call(tokens["access_token"])) == (200, 401)


async def test_m11_an_assertion_that_is_not_quite_right_is_refused(gate: Gateway) -> None:
    """oauth-behaviour M11."""
    enterprise(gate)
    client_id = (await gate.register(grant_types=["authorization_code", JWT_BEARER]))["client_id"]
    now = int(gate.clock.now)
    bad: list[dict[str, object]] = [
        {"aud": "https://other.example"}, {"aud": [BASE, "https://other.example"]}, {"client_id": "other"}, {"client_id": None},
        {"sub": None}, {"iss": "https://evil.example"}, {"resource": MCP}, {"resource": "https://evil.example"},
        {"cnf": {"jkt": "x"}}, {"exp": now - 60},
        {"jti": None}, {"exp": now + 7200}, {"sub": "stranger"}, {"resource": [MCP2]},
    ]  # fmt: skip
    for changes in bad:
        assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id, **changes))) == (400, "invalid_grant"), changes
    for typ in ("JWT", "at+jwt"):
        assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id), typ=typ)) == (400, "invalid_grant")
    assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id), OTHER_KEY)) == (400, "invalid_grant")
    for broken in ("x", "a.b.c", unsigned(id_jag(gate, client_id))):
        response = await gate.token(grant_type=JWT_BEARER, client_id=client_id, assertion=broken)
        assert oauth_error(response) == (400, "invalid_grant")


async def test_m11_an_assertion_counts_once_even_at_once(gate: Gateway) -> None:
    """oauth-behaviour M11: replayed jti, 20 at the same time."""
    enterprise(gate)
    client_id = (await gate.register(grant_types=["authorization_code", JWT_BEARER]))["client_id"]
    claims = id_jag(gate, client_id)
    statuses: list[int] = []

    async def use() -> None:
        statuses.append((await vouched(gate, client_id, claims)).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(use)
    assert sorted(statuses) == [200] + [400] * 19


async def test_a_pushed_request_is_used_once_by_its_client(gate: Gateway) -> None:
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


async def test_a_bad_request_is_refused_when_it_is_pushed(gate: Gateway) -> None:
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
