"""Tokens for a device without a browser of its own (RFC 8628)."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.oauth.gateway import BASE, OAuthGateway, form_of, gateway, oauth_error

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


async def begin_device(gate: OAuthGateway, **form: str) -> tuple[str, dict[str, Any]]:
    client = await gate.register(redirect_uris=[], grant_types=[DEVICE, "refresh_token"], client_name="Headless")
    response = await gate.request("POST", "/device_authorization", data={"client_id": client["client_id"], "scope": "mcp mcp:read"} | form)
    assert response.status_code == 200, response.text
    facts: dict[str, Any] = response.json()
    return client["client_id"], facts


async def poll(gate: OAuthGateway, client_id: str, facts: dict[str, Any], wait_s: float = 5) -> httpx2.Response:
    gate.clock.now += wait_s
    return await gate.token(grant_type=DEVICE, client_id=client_id, device_code=facts["device_code"])


async def type_code(gate: OAuthGateway, browser: httpx2.AsyncClient, code: str) -> httpx2.Response:
    page = await browser.get("/device")
    return await browser.post("/device", data=form_of(page.text) | {"user_code": code})


async def test_x11_a_device_gets_its_tokens_when_its_person_said_yes(gate: OAuthGateway) -> None:
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
async def test_a_device_is_given_what_its_person_left_it(gate: OAuthGateway, scope: str, given: str | None) -> None:
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


async def test_x11_a_device_hears_of_a_no_of_time_and_of_nothing_foreign(gate: OAuthGateway) -> None:
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


async def test_d22_the_code_page_takes_its_own_forms_only(gate: OAuthGateway) -> None:
    """oauth-behaviour D22, C4."""
    _, facts = await begin_device(gate)
    async with gate.browser() as browser:
        form = form_of((await browser.get("/device")).text) | {"user_code": facts["user_code"]}
        for headers in ({"origin": "null"}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert (await browser.post("/device", data=form, headers=headers)).status_code == 403
        assert (await browser.post("/device", data=form | {"csrf": "x"})).status_code == 403
