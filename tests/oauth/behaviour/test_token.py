"""facts/oauth-behaviour.md §5: redeeming codes at the token endpoint."""

import base64
import logging
from typing import Any

import anyio
import pytest

from tests.oauth.gateway import CALLBACK, MCP, MCP2, OAuthGateway, Pkce, oauth_error

FORM = {"content-type": "application/x-www-form-urlencoded"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def started(gate: OAuthGateway, **metadata: object) -> tuple[dict[str, Any], str, Pkce]:
    """Return a client with a code of its person."""
    client, pkce = await gate.register(**metadata), Pkce()
    return client, await gate.code(client["client_id"], pkce), pkce


async def test_t1_a_wrong_verifier_does_not_burn_the_code(gate: OAuthGateway) -> None:
    """oauth-behaviour T1."""
    client, code, pkce = await started(gate)
    for _ in range(4):
        assert oauth_error(await gate.redeem(client["client_id"], code, Pkce())) == (400, "invalid_grant")
    assert (await gate.redeem(client["client_id"], code, pkce)).status_code == 200


async def test_t1_five_wrong_verifiers_do(gate: OAuthGateway) -> None:
    """oauth-behaviour T1: at most five tries."""
    client, code, pkce = await started(gate)
    for _ in range(5):
        assert oauth_error(await gate.redeem(client["client_id"], code, Pkce())) == (400, "invalid_grant")
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce)) == (400, "invalid_grant")


async def test_t2_t4_there_is_no_way_around_the_verifier(gate: OAuthGateway) -> None:
    """oauth-behaviour T2, T4."""
    client, code, pkce = await started(gate)
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce, code_verifier=None)) == (400, "invalid_request")
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce, code_verifier=pkce.challenge)) == (400, "invalid_grant")
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce, code_verifier="short")) == (400, "invalid_grant")
    assert (await gate.redeem(client["client_id"], code, pkce)).status_code == 200


async def test_t5_another_client_neither_gets_nor_burns_the_code(gate: OAuthGateway) -> None:
    """oauth-behaviour T5."""
    client, code, pkce = await started(gate)
    other = await gate.register()
    assert oauth_error(await gate.redeem(other["client_id"], code, pkce)) == (400, "invalid_grant")
    tokens = (await gate.redeem(client["client_id"], code, pkce)).json()
    assert oauth_error(await gate.redeem(other["client_id"], code, pkce)) == (400, "invalid_grant")
    assert await gate.call(tokens["access_token"]) == 200


async def test_t7_a_replayed_code_ends_its_grant(gate: OAuthGateway) -> None:
    """oauth-behaviour T7; RFC 9700 §4.5."""
    client, code, pkce = await started(gate)
    tokens = (await gate.redeem(client["client_id"], code, pkce)).json()
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce)) == (400, "invalid_grant")
    assert await gate.call(tokens["access_token"]) == 401
    assert oauth_error(await gate.refresh(client["client_id"], tokens["refresh_token"])) == (400, "invalid_grant")


async def test_t8_a_replay_with_anything_wrong_harms_nobody(gate: OAuthGateway) -> None:
    """oauth-behaviour T8; OAuth 2.1 §4.1.3."""
    client, code, pkce = await started(gate)
    tokens = (await gate.redeem(client["client_id"], code, pkce)).json()
    wrong = [{"code_verifier": Pkce().verifier}, {"client_id": (await gate.register())["client_id"]}, {"redirect_uri": f"{CALLBACK}/x"}]
    for changes in wrong * 4:
        form = {"client_id": client["client_id"]} | changes
        client_id = form.pop("client_id")
        assert oauth_error(await gate.redeem(client_id, code, pkce, **form)) == (400, "invalid_grant")
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce, resource=MCP2)) == (400, "invalid_target")
    assert await gate.call(tokens["access_token"]) == 200


async def test_t10_a_code_lives_a_minute(gate: OAuthGateway) -> None:
    """oauth-behaviour T10."""
    client, code, pkce = await started(gate)
    gate.clock.now += 61
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce)) == (400, "invalid_grant")


@pytest.mark.parametrize("code", ["asc_ac_" + "a" * 43, "x", "x" * 10_240, "' OR 1=1 --", "asc_rt_" + "a" * 43, "ünï"])
async def test_t11_other_codes_are_no_good(gate: OAuthGateway, code: str) -> None:
    """oauth-behaviour T11."""
    client = await gate.register()
    assert oauth_error(await gate.redeem(client["client_id"], code, Pkce())) == (400, "invalid_grant")


async def test_t13_a_larger_scope_at_the_token_endpoint_changes_nothing(gate: OAuthGateway) -> None:
    """oauth-behaviour T13: scope is no parameter of this exchange, so it is ignored."""
    client, code, pkce = await started(gate)
    assert (await gate.redeem(client["client_id"], code, pkce, scope="mcp mcp:destructive")).json()["scope"] == "mcp mcp:read"


async def test_t14_grant_types_have_their_own_errors(gate: OAuthGateway) -> None:
    """oauth-behaviour T14; RFC 6749 §5.2."""
    client = await gate.register()
    assert oauth_error(await gate.token(client_id=client["client_id"])) == (400, "invalid_request")
    for unknown in ("password", "foo", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        assert oauth_error(await gate.token(client_id=client["client_id"], grant_type=unknown)) == (400, "unsupported_grant_type")
    assert oauth_error(await gate.token(client_id=client["client_id"], grant_type="client_credentials")) == (400, "unauthorized_client")
    no_refresh = await gate.register(grant_types=["authorization_code"])
    assert "refresh_token" not in await gate.tokens(no_refresh["client_id"])
    assert oauth_error(await gate.refresh(no_refresh["client_id"], "asc_rt_" + "a" * 43)) == (400, "unauthorized_client")


async def test_refresh_tokens_are_for_clients_that_registered_for_them(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.3: whether or not they ask for offline_access; and nobody else is promised to stay connected."""
    client = await gate.register()
    assert "refresh_token" in await gate.tokens(client["client_id"], scope="mcp mcp:read")
    other = await gate.register(grant_types=["authorization_code"])
    tokens = await gate.tokens(other["client_id"], scope="mcp mcp:read offline_access")
    assert (tokens["scope"], "refresh_token" in tokens) == ("mcp mcp:read", False)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b'{"grant_type":"authorization_code"}', {"content-type": "application/json"}),
        (b"grant_type=authorization_code", {}),
        (b"grant_type=authorization_code", {"content-type": "application/x-www-form-urlencoded; charset=utf-16"}),
        (b"--b\r\n\r\n--b--", {"content-type": "multipart/form-data; boundary=b"}),
        (b"grant_type=%ff%fe", FORM),
        (b"grant_type=a%00b", FORM),
        (b"grant_type=\xff", FORM),
        (b"grant_type=a&grant_type=b", FORM),
        (b"client_id=a&client_id=a", FORM),
    ],
)
async def test_t16_only_one_kind_of_body_is_read(gate: OAuthGateway, content: bytes, headers: dict[str, str]) -> None:
    """oauth-behaviour T16; RFC 6749 §3.2: nothing twice."""
    assert oauth_error(await gate.request("POST", "/token", content=content, headers=headers)) == (400, "invalid_request")


async def test_a_charset_of_utf_8_is_fine(gate: OAuthGateway) -> None:
    """RFC 6749 appendix B."""
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    assert oauth_error(await gate.request("POST", "/token", content=b"grant_type=x&client_id=y", headers=headers)) == (
        401,
        "invalid_client",
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect", "/par", "/register", "/device_authorization"])
async def test_t17_x14_other_methods_are_not_allowed(gate: OAuthGateway, method: str, path: str) -> None:
    """oauth-behaviour T17, F16, X14."""
    assert (await gate.request(method, path)).status_code == 405


async def test_t17_a_get_burns_no_code(gate: OAuthGateway) -> None:
    """oauth-behaviour T17."""
    client, code, pkce = await started(gate)
    query = {"grant_type": "authorization_code", "client_id": client["client_id"], "code": code, "code_verifier": pkce.verifier}
    assert (await gate.request("GET", "/token", params=query)).status_code == 405
    assert (await gate.redeem(client["client_id"], code, pkce)).status_code == 200


async def test_t19_large_bodies_and_many_parameters_are_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour T19."""
    big = await gate.request("POST", "/token", content=b"code=" + b"x" * 2_000_000, headers=FORM)
    assert oauth_error(big) == (413, "invalid_request")
    many = await gate.request("POST", "/token", content=b"&".join(b"a%d=1" % index for index in range(3000)), headers=FORM)
    assert oauth_error(many) == (400, "invalid_request")


async def test_t20_an_unknown_client_is_told_to_register_again(gate: OAuthGateway) -> None:
    """oauth-behaviour T20; facts/oauth.md §2.3: claude.ai registers anew on exactly this answer."""
    response = await gate.redeem("client_gone", "asc_ac_" + "a" * 43, Pkce())
    assert oauth_error(response) == (401, "invalid_client")
    assert "www-authenticate" not in response.headers
    by_header = await gate.request("POST", "/token", data={"grant_type": "authorization_code"}, headers=basic("client_gone", "x"))
    assert oauth_error(by_header) == (401, "invalid_client")
    assert by_header.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_confidential_clients_prove_themselves_by_their_method_only(gate: OAuthGateway, method: str) -> None:
    """RFC 6749 §2.3.1; oauth-behaviour T22."""
    client = await gate.register(token_endpoint_auth_method=method)
    client_id, secret = client["client_id"], client["client_secret"]
    form = {"grant_type": "refresh_token", "refresh_token": "asc_rt_" + "a" * 43}
    by_header = await gate.request("POST", "/token", data=form, headers=basic(client_id, secret))
    by_body = await gate.token(**form, client_id=client_id, client_secret=secret)
    right, wrong = (by_header, by_body) if method == "client_secret_basic" else (by_body, by_header)
    assert oauth_error(right) == (400, "invalid_grant")
    assert oauth_error(wrong) == (401, "invalid_client")
    assert oauth_error(await gate.token(**form, client_id=client_id)) == (401, "invalid_client")
    bad = await gate.request("POST", "/token", data=form, headers=basic(client_id, secret[:-1] + ("y" if secret.endswith("x") else "x")))
    assert oauth_error(bad) == (401, "invalid_client")


async def test_t22_two_ways_at_once_and_broken_headers_are_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour T22."""
    client = await gate.register(token_endpoint_auth_method="client_secret_basic")
    client_id, secret = client["client_id"], client["client_secret"]
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    both = await gate.request("POST", "/token", data=form | {"client_secret": secret}, headers=basic(client_id, secret))
    assert oauth_error(both) == (400, "invalid_request")
    other_id = await gate.request("POST", "/token", data=form | {"client_id": "client_other"}, headers=basic(client_id, secret))
    assert oauth_error(other_id) == (400, "invalid_request")
    for header in (basic(client_id, "%zz"), {"authorization": "Basic !!!"}, {"authorization": "Basic Zm9v"}, {"authorization": "Digest x"}):
        response = await gate.request("POST", "/token", data=form, headers=header)
        assert oauth_error(response) == (401, "invalid_client")
        assert "www-authenticate" in response.headers


async def test_t23_a_public_client_with_a_secret_is_not_that_client(gate: OAuthGateway) -> None:
    """oauth-behaviour T23."""
    client, code, pkce = await started(gate)
    assert oauth_error(await gate.redeem(client["client_id"], code, pkce, client_secret="junk")) == (401, "invalid_client")
    assert (await gate.redeem(client["client_id"], code, pkce)).status_code == 200


async def test_t26_token_answers_are_never_cached_and_carry_no_credentials(gate: OAuthGateway) -> None:
    """oauth-behaviour T26, X16."""
    client, code, pkce = await started(gate)
    response = await gate.redeem(client["client_id"], code, pkce)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert "access-control-allow-credentials" not in response.headers
    assert "content-encoding" not in response.headers
    tokens = response.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "mcp mcp:read")


async def test_t28_nothing_secret_is_logged(gate: OAuthGateway, caplog: pytest.LogCaptureFixture) -> None:
    """oauth-behaviour T28."""
    caplog.set_level(logging.DEBUG)
    client, code, pkce = await started(gate, token_endpoint_auth_method="client_secret_post")
    secret = client["client_secret"]
    await gate.redeem(client["client_id"], code, Pkce(), client_secret=secret)
    tokens = (await gate.redeem(client["client_id"], code, pkce, client_secret=secret)).json()
    await gate.refresh(client["client_id"], tokens["refresh_token"], client_secret=secret)
    ours = "\n".join(
        record.getMessage() + str(vars(record)) for record in caplog.records if record.name.split(".")[0] in ("oauth", "server")
    )
    for text in (code, pkce.verifier, secret, tokens["access_token"], tokens["refresh_token"], client["registration_access_token"]):
        assert text not in ours


async def test_nothing_secret_is_stored(gate: OAuthGateway) -> None:
    """facts/oauth.md §1.2: hashed at rest."""
    client, code, pkce = await started(gate, token_endpoint_auth_method="client_secret_post")
    tokens = (await gate.redeem(client["client_id"], code, pkce, client_secret=client["client_secret"])).json()
    await gate.refresh(client["client_id"], tokens["refresh_token"], client_secret=client["client_secret"])
    stored = b"".join([await path.read_bytes() async for path in anyio.Path(gate.settings.data_dir).glob("ascend.sqlite3*")])
    for text in (code, client["client_secret"], tokens["access_token"], tokens["refresh_token"], client["registration_access_token"]):
        assert text.encode() not in stored
        assert text[-16:].encode() not in stored


async def test_fifty_redemptions_at_once_give_one_answer(gate: OAuthGateway) -> None:
    """issue 3, Tokens: single-use under 50 concurrent redemptions; oauth-behaviour X8."""
    client, code, pkce = await started(gate)
    statuses: list[int] = []

    async def redeem() -> None:
        statuses.append((await gate.redeem(client["client_id"], code, pkce)).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(redeem)
    assert sorted(statuses) == [200] + [400] * 49


async def test_a_token_is_for_the_resource_that_was_authorized(gate: OAuthGateway) -> None:
    """RFC 8707 §2.2; oauth-behaviour M1."""
    client, code, pkce = await started(gate)
    for foreign in (MCP2, "https://evil.example/mcp", ""):
        assert oauth_error(await gate.redeem(client["client_id"], code, pkce, resource=foreign)) == (400, "invalid_target")
    tokens = (await gate.redeem(client["client_id"], code, pkce, resource=f"{MCP}/")).json()
    assert (await gate.call(tokens["access_token"]), await gate.call(tokens["access_token"], MCP2)) == (200, 401)


async def test_the_redirect_uri_may_be_left_out_but_not_changed(gate: OAuthGateway) -> None:
    """OAuth 2.1 §4.1.3 dropped it; what is sent must match."""
    client, code, pkce = await started(gate)
    changed = await gate.redeem(client["client_id"], code, pkce, redirect_uri="http://127.0.0.1:3334/callback")
    assert oauth_error(changed) == (400, "invalid_grant")
    assert (await gate.redeem(client["client_id"], code, pkce, redirect_uri=None)).status_code == 200
