"""One browser for the tests of a module: each call has a context of its own, which is what they are about."""

from collections.abc import AsyncIterator

import pytest

from tests.chromium import CHROMIUM
from tests.tools.browser.looked_at import LookedAt, looked_at


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Keep one event loop for a module: the browser's driver belongs to it."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[LookedAt]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    async with looked_at() as here:
        yield here


@pytest.fixture
async def here(browser: LookedAt) -> LookedAt:
    """The browser and its site, with nothing on it."""
    site = browser.site
    for kept in (site.pages, site.handlers, site.asked, site.cookies):
        kept.clear()
    site.inside.reached = site.inside.datagrams = 0
    return browser
