"""What clients were reported to send: taken where the RFCs allow it, and never at the cost of a proof."""

import base64
import json

import pytest
from joserfc.jwk import ECKey

from oauth.fetch import Fetched
from server.storage.oauth import sweep as oauth_sweep
from tests.oauth.gateway import BASE, CALLBACK, OAuthGateway, Pkce, answer_of, oauth_error
from tests.oauth.signing import client_claims, signed, with_assertion

FORM = "application/x-www-form-urlencoded"
FORM_ENDPOINTS = ("/token", "/revoke", "/introspect", "/par", "/device_authorization")
CURSOR = [
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://localhost:8787/callback",
]
DOCUMENT = "https://app.example.com/client.json"


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.parametrize("path", FORM_ENDPOINTS)
@pytest.mark.parametrize(
    "parameters",
    [
        "; charset=utf-8;", ";charset=utf8", "; charset=us-ascii", "; charset=ISO-8859-1", '; charset="UTF-8"', "; charset = utf-8",
        "; boundary=x", ";", "; charset=windows-1252; x=y", " ; Charset=UTF-8",
    ],
)  # fmt: skip
async def test_a_form_is_read_whatever_parameters_its_type_has(gate: OAuthGateway, path: str, parameters: str) -> None:
    """CL13; RFC 9110 §5.6.6, §8.3.1: the client that is named is looked for, so the form was read."""
    answer = await gate.request("POST", path, content=b"client_id=nobody&token=t", headers={"content-type": FORM + parameters})
    assert oauth_error(answer) == (401, "invalid_client")
    assert "no such client" in answer.text


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "utf16", "utf-32", "utf-7", '"utf-16"', "ucs-2", "IBM037; charset=ebcdic-us"])
async def test_a_form_in_a_charset_that_is_not_ascii_is_refused(gate: OAuthGateway, charset: str) -> None:
    """CL13, the other side."""
    answer = await gate.request("POST", "/token", content=b"client_id=x", headers={"content-type": f"{FORM}; charset={charset}"})
    assert oauth_error(answer) == (400, "invalid_request")
    assert "UTF-8" in answer.text


async def test_a_whole_sign_in_works_with_the_types_of_an_old_http_library(gate: OAuthGateway) -> None:
    """CL13: Apache HttpClient sends ISO-8859-1 unless it is told otherwise; /authorize takes forms, too."""
    client, pkce = await gate.register(), Pkce()
    code = await gate.code(client["client_id"], pkce)
    fields = (
        f"grant_type=authorization_code&client_id={client['client_id']}&code={code}&code_verifier={pkce.verifier}&redirect_uri={CALLBACK}"
    )
    latin = {"content-type": f"{FORM}; charset=ISO-8859-1"}
    assert (await gate.request("POST", "/token", content=fields, headers=latin)).status_code == 200
    page = await gate.request("POST", "/authorize", content=b"client_id=nobody", headers=latin)
    assert (page.status_code, "not registered here" in page.text) == (400, True)


async def test_a_form_may_hold_utf_8_as_it_is(gate: OAuthGateway) -> None:
    """Many clients percent-encode only what breaks a form."""
    client = await gate.register()
    answer = await gate.request(
        "POST", "/token", content=f"grant_type=ü&client_id={client['client_id']}".encode(), headers={"content-type": FORM}
    )
    assert oauth_error(answer) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("offline_access", "mcp mcp:read offline_access"),
        (" offline_access", "mcp mcp:read offline_access"),
        ("offline_access  offline_access ", "mcp mcp:read offline_access"),
        ("offline_access openid", "mcp mcp:read offline_access"),
        (" ", "mcp mcp:read"),
        ("offline_access crm:read", "crm:read offline_access"),
    ],
)
async def test_offline_access_alone_means_the_baseline_for_long(gate: OAuthGateway, asked: str, granted: str) -> None:
    """CL10."""
    client = await gate.register()
    assert (await gate.tokens(client["client_id"], scope=asked))["scope"] == granted


MEMBERS = (
    "scope", "client_name", "software_id", "software_version", "client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks", "jwks_uri",
    "grant_types", "response_types", "application_type", "sector_identifier_uri", "contacts", "client_id",
)  # fmt: skip


async def test_null_in_a_registration_is_as_omitted(gate: OAuthGateway) -> None:
    """CL18; RFC 7592 §2.2: at registration, in a change, and in a document."""
    nulls: dict[str, object] = dict.fromkeys(MEMBERS)
    facts = {**nulls, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    registered = await gate.request("POST", "/register", json=facts)
    assert (registered.status_code, registered.json()["client_name"]) == (201, "127.0.0.1:3333")
    secretly = await gate.request("POST", "/register", json={"redirect_uris": [CALLBACK], "token_endpoint_auth_method": None})
    assert secretly.json()["token_endpoint_auth_method"] == "client_secret_basic"
    own = {"authorization": f"Bearer {registered.json()['registration_access_token']}"}
    changed = await gate.request("PUT", f"/register/{registered.json()['client_id']}", json=facts, headers=own)
    assert changed.status_code == 200, changed.text
    document = {**facts, "client_id": DOCUMENT, "client_secret": None}
    gate.web.answers[DOCUMENT] = Fetched(200, {"content-type": "application/json"}, json.dumps(document).encode())
    async with gate.browser() as browser:
        assert (await gate.authorize(browser, DOCUMENT, Pkce())).status_code == 303


async def test_null_redirect_uris_are_as_none(gate: OAuthGateway) -> None:
    """CL18: the rule for missing ones is named."""
    answer = await gate.request("POST", "/register", json={"redirect_uris": None})
    assert (oauth_error(answer), "needs at least one URI" in answer.text) == ((400, "invalid_redirect_uri"), True)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"redirect_uris": [f"http://localhost:{port}/cb" for port in range(3000, 3012)]}, "redirect_uris has more than 10 members"),
        ({"redirect_uris": ["http://localhost:0/callback"]}, "the port of a redirect URI must be 1 to 65535; leave the port out"),
        ({"redirect_uris": ["https://app.example:70000/callback"]}, "the port of a redirect URI must be 1 to 65535"),
        ({"redirect_uris": ["https://me@app.example/callback"]}, "without user information"),
        ({"redirect_uris": CALLBACK}, "redirect_uris must be an array"),
        ({"redirect_uris": [CALLBACK, 7]}, "redirect_uris[1] must be a string"),
        ({"client_name": 7}, "client_name must be a string"),
        ({"client_name": "x" * 1001}, "client_name is longer than 1000 characters"),
        ({"scope": ["mcp"]}, "scope must be a string"),
        ({"application_type": "desktop"}, "application_type must be 'web' or 'native'"),
        ({"jwks": []}, "jwks must be an object"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method must be 'none'"),
        ({"response_types": ["token"]}, "response_types[0] must be 'code'"),
        ({"grant_types": "authorization_code"}, "grant_types must be an array"),
    ],
)
async def test_a_refused_registration_names_member_and_rule(gate: OAuthGateway, metadata: dict[str, object], said: str) -> None:
    """CL20."""
    answer = await gate.request("POST", "/register", json={"redirect_uris": [CALLBACK], **metadata})
    assert answer.status_code == 400
    assert said in answer.json()["error_description"]


async def test_what_is_called_web_and_leads_to_the_machine_is_registered_as_native(gate: OAuthGateway) -> None:
    """CL22; RFC 7591 §3.2.1: what is registered comes back."""
    facts = await gate.register(redirect_uris=CURSOR, application_type="web")
    assert (facts["application_type"], facts["redirect_uris"]) == ("native", CURSOR)
    assert (await gate.register(redirect_uris=[CURSOR[1]], application_type="web"))["application_type"] == "web"


@pytest.mark.parametrize("authorization", ["Bearer stale", "Bearer ", "Bearer", "", " ", "Basic", "Basic ", "Basic Og==", "DPoP x", None])
async def test_a_public_client_is_who_the_form_says_whatever_header_strays_in(gate: OAuthGateway, authorization: str | None) -> None:
    """CL25: None stands for Basic with the client's id and an empty secret."""
    client, pkce = await gate.register(), Pkce()
    code = await gate.code(client["client_id"], pkce)
    header = {"authorization": basic(client["client_id"], "") if authorization is None else authorization}
    form = {"grant_type": "authorization_code", "client_id": client["client_id"], "code": code, "code_verifier": pkce.verifier}
    tokens = await gate.request("POST", "/token", data={**form, "redirect_uri": CALLBACK}, headers=header)
    assert tokens.status_code == 200, tokens.text
    again = {"grant_type": "refresh_token", "client_id": client["client_id"], "refresh_token": tokens.json()["refresh_token"]}
    assert (await gate.request("POST", "/token", data=again, headers=header)).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
@pytest.mark.parametrize("authorization", ["Bearer stale", "", "Basic", "Basic Og==", "DPoP x", None])
async def test_a_confidential_client_proves_itself_whatever_header_strays_in(
    gate: OAuthGateway, method: str, authorization: str | None
) -> None:
    """CL25, the other side: no header makes it a public one."""
    keys = {"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}} if method == "private_key_jwt" else {}
    client, pkce = await gate.register(token_endpoint_auth_method=method, **keys), Pkce()
    code = await gate.code(client["client_id"], pkce)
    header = {"authorization": basic(client["client_id"], "") if authorization is None else authorization}
    form = {"grant_type": "authorization_code", "client_id": client["client_id"], "code": code, "code_verifier": pkce.verifier}
    answer = await gate.request("POST", "/token", data={**form, "redirect_uri": CALLBACK}, headers=header)
    assert oauth_error(answer) == (401, "invalid_client")


async def test_a_stray_header_does_not_stop_a_right_secret(gate: OAuthGateway) -> None:
    """CL25: the secret in the form is one way of proof; the stale token is none."""
    client = await gate.register(token_endpoint_auth_method="client_secret_post")
    form = {"grant_type": "refresh_token", "client_id": client["client_id"], "refresh_token": "x", "client_secret": client["client_secret"]}
    assert oauth_error(await gate.request("POST", "/token", data=form, headers={"authorization": "Bearer old"})) == (400, "invalid_grant")
    wrong = await gate.request("POST", "/token", data={**form, "client_secret": "x"}, headers={"authorization": "Bearer old"})
    assert oauth_error(wrong) == (401, "invalid_client")


async def test_a_public_client_with_a_secret_in_the_header_is_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour T23: it is not treated as if it had proven something."""
    client = await gate.register()
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = await gate.request("POST", "/token", data=form, headers={"authorization": basic(client["client_id"], "junk")})
    assert oauth_error(answer) == (401, "invalid_client")


@pytest.mark.parametrize("length", [521, 1024, 1025, 2048, 8000, 12_000])
async def test_a_long_state_comes_back_whole(gate: OAuthGateway, length: int) -> None:
    """CL24; RFC 6749 §4.1.1 sets no bound: with the code, with an error, and when it was pushed."""
    client, pkce, state = await gate.register(), Pkce(), "s" * length
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client["client_id"], pkce, state=state)
        assert answer_of(await gate.answer(browser, started.headers["location"]))["state"] == state
        refused = answer_of(await gate.authorize(browser, client["client_id"], pkce, state=state, code_challenge_method="plain"))
    assert (refused["error"], refused["state"]) == ("invalid_request", state)


@pytest.mark.parametrize("days", [1, 7, 29])
async def test_a_client_signs_in_for_the_first_time_days_after_it_registered(gate: OAuthGateway, days: int) -> None:
    """CL28."""
    client = await gate.register()
    gate.clock.now += days * 24 * 3600 + 60
    await gate.server.sweep()
    assert "access_token" in await gate.tokens(client["client_id"])


async def test_registering_for_the_sake_of_it_fills_no_table(gate: OAuthGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """CL28, the other side: of those never used, the newest of an address stay beyond their first day; used ones are not counted."""
    monkeypatch.setattr(oauth_sweep, "UNUSED_OF_ADDRESS", 2)
    used = await gate.register()
    await gate.tokens(used["client_id"])
    unused = []
    for _ in range(5):
        unused.append((await gate.register())["client_id"])
        gate.clock.now += 1
    await gate.server.sweep()
    assert len(await gate.client_store.all()) == 6, "nobody is forgotten on the first day"
    gate.clock.now += 25 * 3600
    await gate.server.sweep()
    assert {client.client_id for client in await gate.client_store.all()} == {used["client_id"], *unused[-2:]}


async def test_a_forgotten_client_gets_a_page_that_says_what_the_person_can_do(gate: OAuthGateway) -> None:
    """CL28: clients that keep the id never register again by themselves."""
    client = await gate.register()
    gate.clock.now += 31 * 24 * 3600
    async with gate.browser() as browser:
        page = await gate.authorize(browser, client["client_id"], Pkce())
    assert (page.status_code, "location" in page.headers) == (400, False)
    assert "remove this server from it and add it again" in page.text


async def test_assertions_of_a_clock_that_is_a_minute_off_are_taken(gate: OAuthGateway) -> None:
    """Kind 11: nbf and iat within 60 s; exp as well, and no further."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})
    now = int(gate.clock.now)
    for changes in ({"nbf": now + 55, "iat": now + 55}, {"exp": now - 55}):
        answer = await with_assertion(gate, signed(client_claims(gate, client["client_id"], **changes), key))
        assert oauth_error(answer) == (400, "invalid_grant"), changes
    for changes in ({"nbf": now + 70}, {"iat": now + 70}, {"exp": now - 70}):
        answer = await with_assertion(gate, signed(client_claims(gate, client["client_id"], **changes), key))
        assert oauth_error(answer) == (401, "invalid_client"), changes


async def test_a_jti_of_255_characters_is_accepted_and_of_256_refused(gate: OAuthGateway) -> None:
    """mutants.md 3."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})
    for length, expected in ((255, (400, "invalid_grant")), (256, (401, "invalid_client"))):
        claims = client_claims(gate, client["client_id"], jti="j" * length, aud=BASE)
        assert oauth_error(await with_assertion(gate, signed(claims, key))) == expected


async def test_a_client_whose_document_is_read_again_works_after_its_first_expiry(gate: OAuthGateway) -> None:
    """mutants.md 1."""
    document = {"client_id": DOCUMENT, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    gate.web.answers[DOCUMENT] = Fetched(200, {"content-type": "application/json"}, json.dumps(document).encode())
    first = await gate.server.clients.find(DOCUMENT)
    assert first is not None
    gate.clock.now = (first.expires_at or 0) - 3600
    assert await gate.server.clients.find(DOCUMENT) is not None
    gate.clock.now += 2 * 3600
    del gate.web.answers[DOCUMENT]
    again = await gate.server.clients.find(DOCUMENT)
    assert again is not None, "the reading an hour before the end did not extend the client's life"
