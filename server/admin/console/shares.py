"""The page of a share link: figures of the metrics that it names, for whoever has it, and nothing else."""

import time
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from oauth.tenants import Tenants
from server.admin.console.dashboards import Shown, shown_metric
from server.admin.console.page import ConsolePages
from server.admin.figures import METRICS, FigureReader
from server.admin.lists.span import span_of
from server.admin.nouns.share_links import hash_of
from server.admin.reading import MAX_READ_S
from server.storage.administration.share_links import ShareLink, SqlShareLinks
from server.storage.read_limit import ReadTooLong, reads_within

#: strangers may ask as often as they like, and cost one look a while
KEPT_S = 15.0
MAX_KEPT = 50


class SharePages:
    """`/admin/share/{token}`."""

    def __init__(
        self, pages: ConsolePages, links: SqlShareLinks, figures: FigureReader, tenants: Tenants, clock: Callable[[], float] = time.time
    ) -> None:
        self._pages, self._links, self._figures, self._tenants, self._clock = pages, links, figures, tenants, clock
        #: link -> when its figures were read, and what they are
        self._kept: dict[str, tuple[float, Sequence[Shown]]] = {}

    async def show(self, request: Request) -> Response:
        """Answer a GET of anybody."""
        now = self._clock()
        link = await self._links.of_token(hash_of(request.path_params["token"]), now)
        if link is None or (link.tenant_id and self._tenants.get(link.tenant_id) is None):
            message = "This link has ended, or was taken back. Whoever gave it to you can make another."
            return self._pages.bare(request, status=404, title="Nothing here", message=message)
        try:
            cards = await self._cards(link, now)
        except ReadTooLong:
            return self._pages.bare(request, status=503, title="Not now", message="The figures took too long. Try again in a minute.")
        return self._pages.shared(request, title=link.title, range=link.range, expires_us=int(link.expires_at * 1_000_000), cards=cards)

    async def _cards(self, link: ShareLink, now: float) -> Sequence[Shown]:
        read_at, cards = self._kept.get(link.link_id, (0.0, ()))
        if now - read_at >= KEPT_S:
            span = span_of({"range": link.range}, link.range, int(now * 1_000_000))
            chosen = [name for name in METRICS if name in link.metrics.split()]
            with reads_within(MAX_READ_S):
                cards = [shown_metric(metric) for metric in await self._figures.metrics(span, link.tenant_id or None, chosen)]
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[link.link_id] = now, cards
        return cards
