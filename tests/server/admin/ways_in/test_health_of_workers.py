"""The page about health says whether all workers of a gateway answer."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from server.app import open_gateway
from server.config.load import load
from server.observability.siblings import Alone
from tests.empty_store import put_data_directory
from tests.gateway import NOWHERE
from tests.server.admin.ways_in.console_browser import signed_in


class OneIsSilent(Alone):
    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
        async def missing() -> str:
            return "1 of 2 answer"

        return {"workers": missing}


async def test_a_worker_that_is_silent_stands_on_the_page_about_health(tmp_path: Path) -> None:
    settings = load(put_data_directory(tmp_path), {}, base_url=NOWHERE)
    async with open_gateway(settings, siblings=OneIsSilent()) as gateway:
        browser = await signed_in(gateway, "ops@example.com")
        page = (await browser.get("/admin/health")).text
    assert "1 of 2 answer" in page
    assert "is started anew" in page
