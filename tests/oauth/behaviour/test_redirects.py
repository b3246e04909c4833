"""facts/oauth-behaviour.md §2: client and redirect URI of an authorization request."""

from urllib.parse import quote, urlencode

import httpx2
import pytest

from tests.oauth.gateway import CALLBACK, OAuthGateway, Pkce, answer_of, parameters


def is_page(response: httpx2.Response) -> bool:
    """PAGE400: shown to the person, no Location at all."""
    return (
        response.status_code in (400, 401, 403) and "location" not in response.headers and "text/html" in response.headers["content-type"]
    )


async def ask(gate: OAuthGateway, client: str | None, **changes: str | None) -> httpx2.Response:
    query = parameters("", Pkce(), client_id=client, **changes)
    return await gate.request("GET", f"/authorize?{urlencode(query)}")


@pytest.mark.parametrize("client_id", ["client_unknown", "", "x" * 10_240, "a\r\nb", "<script>alert(1)</script>", None])
async def test_r1_r2_an_unknown_client_is_shown_to_the_person(gate: OAuthGateway, client_id: str | None) -> None:
    """oauth-behaviour R1, R2."""
    response = await ask(gate, client_id)
    assert is_page(response)
    assert "<script>alert" not in response.text


async def test_a_refused_request_says_whose_it_was_and_how_to_go_on(gate: OAuthGateway) -> None:
    """Finding 2: no dead end; what the client calls itself is text, and a claim."""
    client = await gate.register(client_name="Probe <b>\u202e")
    page = await ask(gate, client["client_id"], redirect_uri="https://evil.example/cb")
    assert "which calls itself “Probe &lt;b&gt;”," in page.text
    assert "add it again" in page.text
    assert '<a class="button" href="/">To the start page</a>' in page.text
    assert "calls itself" not in (await ask(gate, "client_unknown")).text


async def test_r2_nul_in_a_client_id_is_shown_to_the_person(gate: OAuthGateway) -> None:
    """oauth-behaviour R2."""
    assert is_page(await gate.request("GET", "/authorize?client_id=a%00b"))


@pytest.mark.parametrize(
    "changed",
    [
        "/callback/evil", "/callback/", "/callback/../evil", "/callback%2f..%2fevil", "/Callback", "/callback;x",
        "/callback?x=1", "/callback?", "/callback#f", "/callback#",
    ],
)  # fmt: skip
async def test_r4_r5_another_path_or_query_is_another_uri(gate: OAuthGateway, changed: str) -> None:
    """oauth-behaviour R4, R5; RFC 9700 §4.1.3."""
    client = await gate.register()
    assert is_page(await ask(gate, client["client_id"], redirect_uri=f"http://127.0.0.1:3333{changed}"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_r7_r8_the_port_of_a_loopback_uri_is_free(gate: OAuthGateway, host: str) -> None:
    """oauth-behaviour R7, R8; RFC 8252 §7.3, and for the name localhost as well."""
    for registered in (f"http://{host}:3333/callback", f"http://{host}/callback"):
        client = await gate.register(redirect_uris=[registered])
        wanted = f"http://{host}:51234/callback"
        pkce = Pkce()
        async with gate.browser() as browser:
            await gate.sign_in(browser)
            started = await gate.authorize(browser, client["client_id"], pkce, redirect_uri=wanted)
            answered = await gate.answer(browser, started.headers["location"])
        assert answered.headers["location"].startswith(f"{wanted}?code=asc_ac_")
        redeemed = await gate.redeem(client["client_id"], answer_of(answered)["code"], pkce, redirect_uri=wanted)
        assert redeemed.status_code == 200


async def test_r10_https_ports_are_not_free(gate: OAuthGateway) -> None:
    """oauth-behaviour R10."""
    client = await gate.register(redirect_uris=["https://app.example/cb"])
    assert is_page(await ask(gate, client["client_id"], redirect_uri="https://app.example:444/cb"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.evil.example", "localhost.evil.example", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]",
        "[::]", "0.0.0.0", "127.0.0.1.", "localhost.", "LOCALHOST", "127.0.0.2",
    ],
)  # fmt: skip
async def test_r11_hosts_that_look_like_loopback_are_not(gate: OAuthGateway, host: str) -> None:
    """oauth-behaviour R11."""
    client = await gate.register(redirect_uris=[CALLBACK, "http://localhost:3333/callback"])
    assert is_page(await ask(gate, client["client_id"], redirect_uri=f"http://{host}:3333/callback"))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:3333@evil.example/callback", "http://evil@127.0.0.1:3333/callback", "http://127.0.0.1:3333\\@evil.example/callback",
        "http:/\\evil.example", "http:///evil", "http://127.0.0.1:3333/call\tback", "http://127.0.0.1:3333/callback\n", " http://127.0.0.1:3333/callback",
        "http://127.0.0.1:3333/callback\r\nSet-Cookie:x", "http://127.0.0.1:0/callback", "http://127.0.0.1:99999/callback", "http://127.0.0.1:٣/callback",
    ],
)  # fmt: skip
async def test_r13_r14_tricks_with_the_authority_are_refused(gate: OAuthGateway, uri: str) -> None:
    """oauth-behaviour R13, R14."""
    client = await gate.register()
    response = await ask(gate, client["client_id"], redirect_uri=uri)
    assert is_page(response)
    assert "set-cookie" not in response.headers


async def test_r16_the_uri_may_be_left_out_only_when_there_is_one(gate: OAuthGateway) -> None:
    """oauth-behaviour R16; OAuth 2.1 §2.3.2."""
    two = await gate.register(redirect_uris=[CALLBACK, "http://127.0.0.1:3333/other"])
    assert is_page(await ask(gate, two["client_id"], redirect_uri=None))
    one = await gate.register()
    assert (await ask(gate, one["client_id"], redirect_uri=None)).status_code == 303


@pytest.mark.parametrize("order", [(CALLBACK, "https://evil.example/"), ("https://evil.example/", CALLBACK)])
async def test_r17_a_redirect_uri_sent_twice_goes_nowhere(gate: OAuthGateway, order: tuple[str, str]) -> None:
    """oauth-behaviour R17."""
    client = await gate.register()
    query = urlencode([*parameters(client["client_id"], Pkce(), redirect_uri=None).items(), *(("redirect_uri", uri) for uri in order)])
    assert is_page(await gate.request("GET", f"/authorize?{query}"))


async def test_r19_one_client_cannot_use_the_uri_of_another(gate: OAuthGateway) -> None:
    """oauth-behaviour R19."""
    await gate.register()
    other = await gate.register(redirect_uris=["http://127.0.0.1:4444/other"])
    assert is_page(await ask(gate, other["client_id"]))


async def test_r20_g19_an_expired_client_is_unknown(gate: OAuthGateway) -> None:
    """oauth-behaviour R20, G19: unused for a month."""
    client = await gate.register()
    assert (await ask(gate, client["client_id"])).status_code == 303
    gate.clock.now += 31 * 24 * 3600
    assert is_page(await ask(gate, client["client_id"]))
    refused = await gate.redeem(client["client_id"], "asc_ac_" + "a" * 43, Pkce())
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_r22_nobody_makes_this_server_an_open_redirector(gate: OAuthGateway) -> None:
    """oauth-behaviour R22; RFC 9700 §4.11.2: no redirect to an unknown web site before its person signed in."""
    client = await gate.register(redirect_uris=["https://evil.example/p"])
    for changes in ({"scope": "nonsense"}, {"code_challenge": None}, {"response_type": "token"}, {"resource": "https://x.example"}):
        assert is_page(await ask(gate, client["client_id"], redirect_uri="https://evil.example/p", **changes))


async def test_r23_silence_is_no_way_to_an_unknown_web_site_either(gate: OAuthGateway) -> None:
    """oauth-behaviour R23."""
    client = await gate.register(redirect_uris=["https://evil.example/p"])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        response = await gate.authorize(browser, client["client_id"], Pkce(), redirect_uri="https://evil.example/p", prompt="none")
    assert is_page(response)


@pytest.mark.parametrize(
    "uri",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/callback", "vscode://vscode.github-authentication/did-authenticate",
        "https://www.cursor.com/agents/mcp/oauth/callback", "http://127.0.0.1/", "http://127.0.0.1:33418/",
    ],
)  # fmt: skip
async def test_apps_get_their_answer_where_they_registered(gate: OAuthGateway, uri: str) -> None:
    """facts/oauth.md §2.11: the redirect URIs of real clients, private-use schemes with a host among them."""
    client = await gate.register(redirect_uris=[uri])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        started = await gate.authorize(browser, client["client_id"], Pkce(), redirect_uri=uri)
        answered = await gate.answer(browser, started.headers["location"])
    assert answered.headers["location"].startswith(f"{uri}?code=")
    assert quote("http://127.0.0.1:8080", safe="") in answered.headers["location"]
