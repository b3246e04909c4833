"""Share links: whoever has one sees the figures that it names, until it ends, and learns nothing else."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import NOW_S, filled_console

FORM = {"title": "For the board", "range": "7d", "calls": "true", "error_rate": "true"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with (
        filled_console(tmp_path_factory.mktemp("shared") / "data", count=300, days=7) as app,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as http,
    ):
        yield Browser(app, http)


async def made(browser: Browser, **fields: str) -> str:
    """Make a link as an owner does; return the path that is shown once."""
    answer = await browser.post("/admin/share-links?change=add", **{**FORM, **fields})
    assert answer.status_code == 200, answer.text
    found = re.search(r"/admin/share/[\w-]{43}", answer.text)
    assert found is not None
    return found[0]


async def test_a_stranger_with_the_link_sees_its_figures_and_nothing_else(shared: Browser) -> None:
    shared.is_("owner")
    path = await made(shared)
    listed = await shared.open("/admin/share-links")
    assert "For the board" in listed
    assert path not in listed
    shared.is_("nobody")
    page = await shared.open(path)
    assert re.findall(r'id="m-(\w+)"', page) == ["calls", "error_rate"]
    assert "For the board" in page
    for secret in ("acme", "globex", "ops@example.com", "/admin/calls", "crm.contacts", "Sign out"):
        assert secret not in page


async def test_a_link_of_a_tenant_shows_the_figures_of_that_tenant(shared: Browser) -> None:
    shared.is_("owner")
    whole = await made(shared)
    shared.is_("acme")
    own = await made(shared)
    shared.is_("nobody")
    counts = [re.findall(r'<p class="figure">([\d,]+)', await shared.open(path))[0] for path in (whole, own)]
    assert int(counts[0].replace(",", "")) > int(counts[1].replace(",", "")) > 0


async def test_a_link_that_is_taken_back_shows_nothing(shared: Browser) -> None:
    shared.is_("owner")
    path = await made(shared, title="Soon gone")
    link_id = re.search(r'href="/admin/share-links/(\w+)">Soon gone', await shared.open("/admin/share-links"))
    assert link_id is not None
    shared.is_("acme")
    await shared.open(f"/admin/share-links/{link_id[1]}", 404)
    shared.is_("owner")
    answer = await shared.post(f"/admin/share-links/{link_id[1]}?change=revoke")
    assert answer.status_code == 303
    shared.is_("nobody")
    assert "taken back" in await shared.open(path, 404)


@pytest.mark.parametrize(
    ("fields", "place"),
    [({"days": "91"}, "days"), ({"days": "0"}, "days"), ({"calls": "", "error_rate": ""}, "p95"), ({"range": "1y"}, "range")],
)
async def test_a_link_that_cannot_be_is_told_so_at_its_field(shared: Browser, fields: dict[str, str], place: str) -> None:
    shared.is_("owner")
    answer = await shared.post("/admin/share-links?change=add", **{**FORM, **fields})
    assert answer.status_code == 422
    assert f'id="{place}-fault"' in answer.text


async def test_an_owner_of_a_tenant_makes_no_link_of_another(shared: Browser) -> None:
    shared.is_("acme")
    answer = await shared.post("/admin/share-links?change=add", **FORM, tenant="globex")
    assert answer.status_code == 403


async def test_an_auditor_makes_no_link(shared: Browser) -> None:
    shared.is_("owner")
    assert "?change=add" in await shared.open("/admin/share-links")
    shared.is_("auditor")
    assert "?change=add" not in await shared.open("/admin/share-links")
    answer = await shared.http.get("/admin/share-links?change=add")
    assert answer.status_code == 403


async def test_a_link_ends_by_itself_and_only_its_hash_is_kept(shared: Browser) -> None:
    gateway = shared.app.gateway
    assert gateway is not None
    links = gateway.store.share_links
    shared.is_("owner")
    path = await made(shared, title="For a day", days="1")
    kept = next(link for link in await links.all(None, NOW_S) if link.title == "For a day")
    assert path.rpartition("/")[2] not in str(kept)
    assert await links.of_token(kept.token_hash, kept.expires_at - 1) is not None
    assert await links.of_token(kept.token_hash, kept.expires_at) is None
    await links.sweep(kept.expires_at)
    assert kept not in await links.all(None, NOW_S)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "%00", "..%2fcalls"])
async def test_a_guess_finds_nothing(shared: Browser, token: str) -> None:
    shared.is_("nobody")
    answer = await shared.http.get(f"/admin/share/{token}")
    assert answer.status_code in (303, 404)
