"""Whatever else the gateway hands out opens nothing below `/admin`, at any address there is; and neither face opens the other."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from oauth.scopes import ADMIN
from oauth.sign_in.stores import StoredSession
from oauth.tenants import Tenant
from oauth.tokens.static_tokens import StaticTokens
from server.app import Gateway
from server.pages.browsers import hash_of
from tests.gateway import PASSWORD, opened, save_tenant, token_for
from tests.server.admin.ways_in.addresses import addresses
from tests.server.admin.ways_in.conftest import METRICS_TOKEN
from tests.server.admin.ways_in.console_browser import ORIGIN, signed_in
from tests.server.admin.ways_in.test_sessions import subject_of
from tools.ai_gateway.caller_keys import CallerKeyIssuer

EMAIL = "ops@example.com"
#: they are for whoever has nothing yet
OPEN = {("GET", "/admin/sign-in"), ("GET", "/admin/static/x")}
#: what is there is named by a secret, or is a file: of any other name there is nothing
NOWHERE = ("/admin/invite/x", "/admin/share/x", "/admin/static/x")
KINDS = (
    "nothing",
    "static token",
    "MCP token",
    "token for models",
    "caller's key",
    "metrics token",
    "password",
    "password session",
    "password session as the console's",
)


async def headers_of(kind: str, gateway: Gateway) -> dict[str, str]:
    """Return what somebody sends who has this of an owner's."""
    subject = await subject_of(gateway, EMAIL)
    who = (subject.tenant_id, subject.subject_id)
    match kind:
        case "nothing":
            return {}
        case "static token":
            await save_tenant(gateway, await until_next_year(gateway))
            tokens = gateway.authorization.static_tokens
            assert isinstance(tokens, StaticTokens)
            return bearer((await tokens.mint(*who, "script", frozenset({"mcp", "mcp:read"})))[0])
        case "MCP token":
            return bearer(await token_for(gateway, subject.subject_id))
        case "token for models":
            return bearer(await token_for(gateway, subject.subject_id, scopes=frozenset({"mcp", "llm:invoke"}), kind="models"))
        case "caller's key":
            issuer = CallerKeyIssuer(gateway.store.caller_keys, gateway.store.security_events)
            return bearer((await issuer.mint(subject.tenant_id, "script", EMAIL))[0])
        case "metrics token":
            async with http_of(gateway, "http://127.0.0.1:9") as http:
                assert (await http.get("/metrics", headers=bearer(METRICS_TOKEN))).status_code == 200
            return bearer(METRICS_TOKEN)
        case "password":
            return {"authorization": f"Basic {base64.b64encode(f'{EMAIL}:{PASSWORD}'.encode()).decode()}"}
    secret, browser = "S" * 43, "B" * 43
    await begin_account_session(gateway, secret, browser)
    name = "ascend_console" if kind.endswith("console's") else "ascend_session"
    return {"cookie": f"{name}={secret}; ascend_browser={browser}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def until_next_year(gateway: Gateway) -> Tenant:
    [default] = [each for each in await gateway.store.tenants.all() if each.tenant_id == "default"]
    return replace(default, static_tokens_until=(datetime.now(UTC) + timedelta(days=300)).date().isoformat())


async def begin_account_session(gateway: Gateway, secret: str, browser: str) -> None:
    """Keep a session as a password begins it, and see that it holds where it belongs."""
    now = datetime.now(UTC).timestamp()
    session = StoredSession(
        session_hash=hash_of(secret),
        browser_hash=hash_of(browser),
        tenant_id="default",
        subject=await subject_of(gateway, EMAIL),
        binding="b",
        methods=("password",),
        authenticated_at=now,
        last_seen_at=now,
        expires_at=now + 3_600,
    )
    await gateway.store.browser_sessions.begin(session, None)
    async with http_of(gateway, "http://127.0.0.1:9") as http:
        account = await http.get("/account", headers={"cookie": f"ascend_session={secret}; ascend_browser={browser}"})
        assert account.status_code == 200


def http_of(gateway: Gateway, origin: str = ORIGIN) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=origin, timeout=20)


def is_refused(address: tuple[str, str], answer: httpx2.Response) -> bool:
    """Say whether an answer shows and does nothing."""
    if answer.status_code == 303:
        return answer.headers["location"].startswith("/admin/sign-in")
    is_nowhere = answer.status_code == 404 and address[1] in NOWHERE
    return is_nowhere or answer.status_code in ((401,) if address[1].startswith("/admin/api") else (401, 403))


@pytest.mark.parametrize("kind", KINDS)
async def test_no_address_takes_it(gateway: Gateway, kind: str) -> None:
    """Operations contract, "Goals": static token, secret, MCP token, caller's key, password and the session that it begins."""
    await signed_in(gateway, EMAIL)
    headers, asked, taken = await headers_of(kind, gateway), await addresses(gateway), []
    async with http_of(gateway) as http:
        for method, path in asked:
            sent = {"origin": ORIGIN, "sec-fetch-site": "same-origin", **headers}
            answer = await http.request(method, path, headers=sent, data={"csrf": "x"} if method == "POST" else None)
            if (method, path) not in OPEN and not is_refused((method, path), answer):
                taken.append((method, path, answer.status_code, answer.headers.get("location")))
    assert not taken
    assert len(asked) > 25


async def test_neither_face_opens_the_other(gateway: Gateway) -> None:
    """A session is a browser's and a token is a program's; here both are good, each at its own face alone."""
    browser = await signed_in(gateway, EMAIL)
    subject = await subject_of(gateway, EMAIL)
    token = bearer(await token_for(gateway, subject.subject_id, scopes=frozenset({ADMIN}), kind="admin"))
    assert await browser.is_in()
    async with http_of(gateway) as http:
        assert (await http.get("/admin/api/ai/usage", headers=token)).status_code == 200
        every = await addresses(gateway)
        pages = [path for method, path in every if method == "GET" and not path.startswith("/admin/api")]
        for path in pages:
            answer = await http.get(path, headers=token)
            assert ("GET", path) in OPEN or is_refused(("GET", path), answer), path
    for method, path in every:
        if path.startswith("/admin/api"):
            answer = await browser.http.request(method, path)
            assert answer.status_code == 401, path


async def test_from_elsewhere_there_is_nothing(tmp_path: Path) -> None:
    """ASCEND_ADMIN_ALLOW comes before anything else: the right session makes no difference."""
    async with opened(tmp_path) as gateway:
        browser = await signed_in(gateway, EMAIL)
        cookies = browser.http.cookies
    async with opened(tmp_path, admin_allow=("10.0.0.0/8",)) as gateway:
        for client, status in (("10.1.2.3", 200), ("192.0.2.1", 404), ("127.0.0.1", 404)):
            transport = httpx2.ASGITransport(gateway.app, client=(client, 40_000))
            async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, cookies=cookies) as http:
                assert (await http.get("/admin/calls")).status_code == status, client
                assert (await http.get("/admin/sign-in")).status_code == status, client
                assert (await http.get("/admin/api/ai/usage")).status_code == (401 if status == 200 else 404), client
