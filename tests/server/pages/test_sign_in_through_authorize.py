"""The real /authorize in front of the real sign-in page, with nothing standing in for either."""

from pathlib import Path
from urllib.parse import urlencode

import httpx2

from tests.gateway import NOWHERE, opened
from tests.oauth.gateway import CALLBACK, Pkce, parameters


async def test_a_hint_given_to_authorize_reaches_the_sign_in_page(tmp_path: Path) -> None:
    """mutants.md 2; OpenID Connect Core §3.1.2.1: the person need not type who they are."""
    async with (
        opened(tmp_path / "data") as gateway,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=gateway.app), base_url=NOWHERE) as browser,
    ):
        registered = await browser.post("/register", json={"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"})
        asked = parameters(registered.json()["client_id"], Pkce(), resource=f"{NOWHERE}/mcp", login_hint="grace@corp.example")
        started = await browser.get(f"/authorize?{urlencode(asked)}")
        page = await browser.get(started.headers["location"])
    assert (started.status_code, page.status_code) == (303, 200)
    assert 'value="grace@corp.example"' in page.text
