"""facts/oauth-behaviour.md §8: client metadata documents."""

import json
from typing import Any

import httpx2
import pytest

from oauth.clients.pinned_documents import PINNED_DOCUMENTS
from oauth.fetch import Fetched
from tests.oauth.gateway import BASE, CALLBACK, OAuthGateway, Pkce, answer_of
from tests.oauth.signing import ASSERTION, KEY, OTHER_KEY, client_claims, signed

URL = "https://client.example/metadata.json"
JSON = {"content-type": "application/json"}


def document(**changes: object) -> dict[str, object]:
    good: dict[str, object] = {
        "client_id": URL,
        "client_name": "Documented",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def publish(gate: OAuthGateway, content: object = None, *, status: int = 200, body: bytes | None = None, **headers: str) -> None:
    text = json.dumps(document() if content is None else content).encode() if body is None else body
    gate.web.answers[URL] = Fetched(status, JSON | {name.replace("_", "-"): value for name, value in headers.items()}, text)


async def ask(gate: OAuthGateway, client_id: str = URL, **changes: str | None) -> httpx2.Response:
    async with gate.browser() as browser:
        return await gate.authorize(browser, client_id, Pkce(), **changes)


def refused(response: httpx2.Response) -> bool:
    return response.status_code == 400 and "location" not in response.headers


async def test_a_client_is_what_its_document_says(gate: OAuthGateway) -> None:
    """draft-ietf-oauth-client-id-metadata-document; positive control."""
    publish(gate)
    tokens = await gate.tokens(URL)
    assert await gate.call(tokens["access_token"]) == 200
    assert (await gate.refresh(URL, tokens["refresh_token"])).status_code == 200
    assert gate.web.asked == [URL]


async def test_a_client_proves_itself_with_the_key_in_its_document(gate: OAuthGateway) -> None:
    """draft-ietf-oauth-client-id-metadata-document, RFC 7523: private_key_jwt with `jwks` in the document, and with no other key."""
    publish(gate, document(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]}))
    pkce = Pkce()
    code = await gate.code(URL, pkce)
    answers = []
    for key in (OTHER_KEY, KEY):
        assertion = signed(client_claims(gate, URL), key)
        answers.append(await gate.redeem(URL, code, pkce, client_assertion_type=ASSERTION, client_assertion=assertion))
    assert [answer.status_code for answer in answers] == [401, 200], answers[-1].text


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/metadata.json", "https://client.example", "https://client.example/", "https://client.example/a/../b",
        "https://client.example/%2e%2e/b", "https://client.example/.%2E/b", "https://client.example/a#f", "https://user@client.example/a",
        "https://client.example:22/a", "https://client.example:25/a", "https://client.example:6379/a", "https://client.example:0/a",
        "https://0x7f.1/a", "https://2130706433/a", "https://127.1/a", "https://0177.0.0.1/a", "https://localhost./a",
        "https://x.localhost/a",
        "https://x.internal/a", "https://metadata.google.internal/a", "https://client.example./a", "https://client.example/a b",
        "https://client.example\\@evil.example/a", f"{BASE.replace('http', 'https')}/authorize", "https:///a",
        "https://client.example/" + "a" * 600,
        "HTTPS://client.example/a", "https://1.2.3/a", "https://client.example:99999/a",
    ],
)  # fmt: skip
async def test_s1_s4_s16_bad_urls_are_refused_before_anything_is_fetched(gate: OAuthGateway, url: str) -> None:
    """oauth-behaviour S1, S4, S16."""
    assert refused(await ask(gate, url))
    assert (await gate.redeem(url, "asc_ac_" + "a" * 43, Pkce())).status_code == 401
    assert gate.web.asked == []


@pytest.mark.parametrize("status", [204, 206, 301, 302, 307, 400, 404, 410, 500, 503])
async def test_s7_s8_only_200_counts(gate: OAuthGateway, status: int) -> None:
    """oauth-behaviour S7, S8."""
    publish(gate, status=status, location="https://client.example/other")
    assert refused(await ask(gate))
    assert gate.web.asked == [URL]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", b"null", b'{"client_id":1}', b"{" * 2000, b"\xff\xfe", b'{"a":1,"a":2}', b" " * 5121],
    ids=lambda body: str(body[:20]),
)
async def test_s8_only_a_small_json_object_counts(gate: OAuthGateway, body: bytes) -> None:
    """oauth-behaviour S8."""
    publish(gate, body=body)
    response = await ask(gate)
    assert refused(response)
    assert "html&gt;" not in response.text


async def test_s8_the_media_type_must_be_json(gate: OAuthGateway) -> None:
    """oauth-behaviour S8."""
    publish(gate, content_type="text/html")
    assert refused(await ask(gate))
    publish(gate, content_type="application/json; charset=utf-8")
    assert not refused(await ask(gate))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "x"}, {"client_secret_expires_at": 0}, {"token_endpoint_auth_method": "client_secret_basic"},
        {"redirect_uris": None},
        {"redirect_uris": []}, {"grant_types": ["implicit"]}, {"client_id": URL + "/"}, {"client_id": None},
        {"redirect_uris": ["http://app.example/cb"]},
        {"redirect_uris": ["javascript:x"]}, {"jwks": {"keys": []}}, {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_name": ["x"]},
        {"grant_types": ["client_credentials"]},
    ],
    ids=str,
)  # fmt: skip
async def test_s10_s11_documents_that_break_the_rules_are_refused(gate: OAuthGateway, changes: dict[str, object]) -> None:
    """oauth-behaviour S10, S11."""
    publish(gate, document(**changes))
    assert refused(await ask(gate))


async def test_s11_an_answer_on_another_host_is_shown_with_both(gate: OAuthGateway) -> None:
    """oauth-behaviour S11."""
    publish(gate, document(redirect_uris=["https://app.other.example/cb"]))
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, URL, Pkce(), redirect_uri="https://app.other.example/cb")
        page = (await browser.get(started.headers["location"])).text
    assert "client.example" in page
    assert "app.other.example" in page


async def test_s13_errors_are_not_cached(gate: OAuthGateway) -> None:
    """oauth-behaviour S13."""
    publish(gate, status=500)
    assert refused(await ask(gate))
    publish(gate)
    assert not refused(await ask(gate))


@pytest.mark.parametrize(
    ("cache_control", "fresh_s"),
    [
        ("max-age=31536000", 24 * 3600),
        ("no-store", 30),
        ("max-age=0", 30),
        ("public, max-age=600", 600),
        ("", 3600),
        ("max-age=x", 3600),
        ("no-cache, max-age=600", 30),
    ],
)
async def test_s14_documents_are_cached_by_the_rules_of_http(gate: OAuthGateway, cache_control: str, fresh_s: int) -> None:
    """oauth-behaviour S14: a removed redirect URI is gone within a day at most."""
    publish(gate, cache_control=cache_control)
    assert not refused(await ask(gate))
    publish(gate, document(redirect_uris=["http://127.0.0.1/other"]))
    gate.clock.now += fresh_s - 1
    assert not refused(await ask(gate))
    gate.clock.now += 2
    assert refused(await ask(gate))


async def test_a_document_that_cannot_be_read_is_used_for_a_day(gate: OAuthGateway) -> None:
    """facts/mcp.md §6.3: content networks refuse data-centre addresses now and then."""
    publish(gate, cache_control="max-age=60")
    assert not refused(await ask(gate))
    publish(gate, status=403)
    gate.clock.now += 3600
    assert not refused(await ask(gate))
    gate.clock.now += 23 * 3600 + 1
    assert refused(await ask(gate))


@pytest.mark.parametrize("url", sorted(PINNED_DOCUMENTS))
async def test_well_known_clients_work_although_their_document_cannot_be_read(gate: OAuthGateway, url: str) -> None:
    """facts/mcp.md §6.3: pinned copies."""
    redirect_uris: Any = PINNED_DOCUMENTS[url]["redirect_uris"]
    for redirect_uri in redirect_uris:
        wanted = redirect_uri.replace("http://localhost/", "http://localhost:51234/")
        assert not refused(await ask(gate, url, redirect_uri=wanted))
    assert refused(await ask(gate, url, redirect_uri="https://evil.example/cb"))


async def test_c13_a_changed_document_asks_again(gate: OAuthGateway) -> None:
    """oauth-behaviour C13."""
    publish(gate, document(redirect_uris=["https://client.example/cb"]), cache_control="no-store")
    silent = {"sec-fetch-site": "none"}

    async def location(browser: httpx2.AsyncClient) -> str:
        query = {"response_type": "code", "client_id": URL, "redirect_uri": "https://client.example/cb", "code_challenge": Pkce().challenge}
        response = await browser.get("/authorize", params=query | {"code_challenge_method": "S256"}, headers=silent)
        place: str = response.headers["location"]
        return place

    async with gate.browser() as browser:
        await gate.sign_in(browser)
        answered = await gate.answer(browser, await location(browser))
        assert "code" in answer_of(answered)
        assert "code=" in await location(browser)
        publish(gate, document(redirect_uris=["https://client.example/cb"], client_name="Changed"), cache_control="no-store")
        gate.clock.now += 31
        assert (await location(browser)).startswith("/consent?request=")
