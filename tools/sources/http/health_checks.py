"""Asks the health paths of base URLs now and then, so that a place that nobody calls is known to be well or ill."""

import asyncio

from tools.egress.client import Egress, OutboundRequest
from tools.errors import Busy, EgressRefused, UpstreamFailed
from tools.sources.http.base_urls import Upstreams

INTERVAL_S = 10.0
TIMEOUT_S = 5.0
MAX_BODY_BYTES = 64 * 1024


class HealthChecks:
    """The active side of Upstreams. No credential goes along: health is judged without any one person's token."""

    def __init__(self, upstreams: Upstreams, egress: Egress) -> None:
        self._upstreams, self._egress = upstreams, egress

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.check()

    def ill(self) -> list[str]:
        """Return the base URLs that are left alone, since they failed again and again."""
        return [url for url, state in self._upstreams.state().items() if state == "ill"]

    async def check(self) -> None:
        """Check every place that has a health path once, side by side."""
        await asyncio.gather(*(self._check(base_url, url) for base_url, url in self._upstreams.to_check()))

    async def _check(self, base_url: str, url: str) -> None:
        request = OutboundRequest("GET", url, timeout_s=TIMEOUT_S, max_body_bytes=MAX_BODY_BYTES)
        try:
            response = await self._egress.send(request)
        except Busy:
            return  # That is our own crowd, and says nothing of the place.
        except (EgressRefused, UpstreamFailed):
            self._upstreams.report(base_url, False)
            return
        self._upstreams.report(base_url, 200 <= response.status < 300)
