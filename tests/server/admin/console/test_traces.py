"""The page of a trace: what happened, in order, and nothing of other tenants."""

from collections.abc import AsyncIterator

import httpx2
import orjson
import pytest

from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import filled_console
from tests.server.admin.console.filled_history import TRACE


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with (
        filled_console(tmp_path_factory.mktemp("traced") / "data", count=200, days=1) as app,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as http,
    ):
        yield Browser(app, http)


async def test_a_trace_tells_calls_steps_and_model_calls_in_order(filled: Browser) -> None:
    filled.is_("owner")
    page = await filled.open(f"/admin/traces/{TRACE.upper()}")
    told = [page.index(f"<strong>{what}</strong>") for what in ("batch_execute", "crm.contacts.list", "llm.invoke", "openai/big-model")]
    assert told == sorted(told)
    assert "mail.example answered 503: try again later" in page
    assert page.count('class="step"') == 3
    items = orjson.loads(await filled.open(f"/admin/traces/{TRACE}?format=json"))["items"]
    assert [item["kind"] for item in items] == ["call", "step", "step", "model call", "step"]


async def test_a_row_of_the_calls_leads_to_its_trace(filled: Browser) -> None:
    filled.is_("owner")
    page = await filled.open("/admin/calls?operation=batch_execute")
    assert f'<a class="row" href="/admin/traces/{TRACE}">' in page


async def test_a_trace_of_another_tenant_is_not_there(filled: Browser) -> None:
    filled.is_("acme")
    assert "mail.messages.send" in await filled.open(f"/admin/traces/{TRACE}")
    filled.is_("globex")
    assert "mail.messages.send" not in await filled.open(f"/admin/traces/{TRACE}", 404)


@pytest.mark.parametrize("trace_id", ["9" * 32, "never", "%00", "%F0%9F%90%9D", "a" * 500])
async def test_a_trace_that_there_is_not_is_a_page_that_says_so(filled: Browser, trace_id: str) -> None:
    filled.is_("owner")
    assert "Nothing is on record" in await filled.open(f"/admin/traces/{trace_id}", 404)
