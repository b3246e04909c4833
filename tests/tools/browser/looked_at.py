"""Pages of a hostile site in the machine's Chromium."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chromium import CHROMIUM
from tests.tools.browser.hostile_site import Site, hostile_site
from tools.browser.chromium import Chromium
from tools.browser.forward_proxy import ForwardProxy
from tools.browser.limits import PageLimits
from tools.browser.pages import Pages, View
from tools.browser.visit import Visit
from tools.egress.client import Egress

PERSON = ("acme", "sub_ada")
LIMIT_S = 60.0
#: on a busy machine a page takes longer than people would wait
PATIENT = PageLimits(settle_s=40.0)
#: for a page that never ends
HASTY = PageLimits(settle_s=2.0)


@dataclass(frozen=True, slots=True)
class LookedAt:
    site: Site
    egress: Egress
    chromium: Chromium

    @asynccontextmanager
    async def page(self, limits: PageLimits = PATIENT, limit_s: float = LIMIT_S) -> AsyncIterator[tuple[Visit, ForwardProxy]]:
        async with self.pages(limits).opened(PERSON, asyncio.get_running_loop().time() + limit_s, View()) as opened:
            yield opened

    def pages(self, limits: PageLimits = PATIENT) -> Pages:
        return Pages(self.chromium, self.egress, limits)


@asynccontextmanager
async def looked_at(program: str | Path | None = None, *, idle_s: float = 60.0) -> AsyncIterator[LookedAt]:
    """Serve a site and have a browser for it; as root it has no sandbox of its own."""
    async with hostile_site() as (site, egress):
        chromium = Chromium(str(program or CHROMIUM), is_sandboxed=False, idle_s=idle_s)
        try:
            yield LookedAt(site, egress, chromium)
        finally:
            await chromium.close()
