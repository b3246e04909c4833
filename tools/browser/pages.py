"""Where calls get their pages: so many at one time, fair to tenants and persons, each with a context and a way out of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tools.browser.chromium import Chromium
from tools.browser.forward_proxy import ForwardProxy
from tools.browser.limits import MAX_PAGES_OPEN, PageLimits
from tools.browser.visit import Visit, visit
from tools.egress.client import Egress
from tools.fair_semaphore import FairSemaphore, Holder

#: of a call's time: for closing the page, and for saying what came of it
_MARGIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at: the window in CSS pixels, and whether its scripts run."""

    width: int = 1280
    height: int = 800
    is_scripted: bool = True


class Pages:
    """`egress` is open, and apart from that of calls: what pages may reach is another list than what imported operations may."""

    def __init__(self, chromium: Chromium, egress: Egress, limits: PageLimits | None = None) -> None:
        self._chromium, self.egress, self.limits = chromium, egress, limits or PageLimits()
        self._places = FairSemaphore(MAX_PAGES_OPEN, "the browser's pages")

    @asynccontextmanager
    async def opened(self, holder: Holder, deadline: float, view: View) -> AsyncIterator[tuple[Visit, ForwardProxy]]:
        """Give a page for `holder`, and the proxy that knows what it was refused. Raises Busy, BrowserMissing, BrowserGone."""
        deadline -= min(_MARGIN_S, (deadline - asyncio.get_running_loop().time()) / 4)
        async with self._places.hold(holder, deadline), ForwardProxy(self.egress, self.limits) as proxy:
            size = {"width": view.width, "height": view.height}
            async with (
                self._chromium.context(proxy.url, viewport=size, java_script_enabled=view.is_scripted) as context,
                visit(context, proxy, self.egress.rules, self.limits, deadline) as page,
            ):
                yield page, proxy

    async def close(self) -> None:
        await self._chromium.close()
