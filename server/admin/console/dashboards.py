"""The dashboard: what needs somebody, how it went, and how the objectives stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from server.admin.console.asked import asked_of
from server.admin.console.attention import needs
from server.admin.console.charts.chart import chart
from server.admin.console.lists import ListPages, may_change
from server.admin.console.page import ConsolePages
from server.admin.console.values import said
from server.admin.console.visitor import Visitor
from server.admin.figures import FigureReader, Metric, Series
from server.admin.objectives import ObjectiveReader, Standing
from server.admin.reading import MAX_READ_S
from server.storage.read_limit import reads_within

DEFAULT_RANGE = "24h"


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric as its card has it."""

    name: str
    title: str
    figure: str
    beside: str
    legend: Sequence[str]
    chart: Markup


class DashboardPages:
    """`/admin` and `/admin/slo`."""

    def __init__(self, pages: ConsolePages, lists: ListPages, figures: FigureReader, objectives: ObjectiveReader) -> None:
        self._pages, self._lists, self._figures, self._objectives = pages, lists, figures, objectives

    async def overview(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused, ReadTooLong."""
        now_us = self._pages.now_us()
        asked = asked_of(visitor, DEFAULT_RANGE, now_us)
        with reads_within(MAX_READ_S):
            metrics = await self._figures.metrics(asked.span, asked.tenant_id)
            standings = await self._objectives.standings(now_us, asked.tenant_id)
        return await self._pages.show(
            visitor,
            "dashboard",
            cards=[shown_metric(metric) for metric in metrics],
            standings=standings,
            needs=await needs(visitor.administrator, self._lists.resources, asked.tenant_id, now_us),
            ranges=asked.ranges,
            tenants=self._lists.offered_tenants(visitor.administrator),
            tenant=asked.tenant_id or "",
            percent=lambda share: said("share", share),
            may_share=self._may_share(visitor),
        )

    def _may_share(self, visitor: Visitor) -> bool:
        links = self._lists.resources.get("share-links")
        make = None if links is None else links.change("add")
        return links is not None and make is not None and may_change(visitor.administrator, links, make)

    async def slo(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused, ReadTooLong."""
        now_us = self._pages.now_us()
        asked = asked_of(visitor, "30d", now_us)
        with reads_within(MAX_READ_S):
            standings = await self._objectives.standings(now_us, asked.tenant_id)
        return await self._pages.show(
            visitor,
            "slo",
            standings=[(each, chart(_course_of(each))) for each in standings],
            tenants=self._lists.offered_tenants(visitor.administrator),
            tenant=asked.tenant_id or "",
            percent=lambda share: said("share", share),
        )


def shown_metric(metric: Metric) -> Shown:
    """Return a metric as its card has it; figures that are whole are said as such."""
    beside = " · ".join(f"{said(kind, _whole(figure))} {words}" for words, kind, figure in metric.beside)
    legend = [each.title for each in metric.series] if len(metric.series) > 1 else []
    figure = "–" if metric.total is None else said(metric.kind, _whole(metric.total))
    return Shown(metric.name, metric.title, figure, beside, legend, chart(metric))


def _course_of(standing: Standing) -> Metric:
    return Metric(
        name="calls",
        title=f"Budget left: {standing.objective.title}",
        kind="share",
        total=None if standing.left is None else max(0.0, standing.left),
        steps=standing.steps,
        series=(Series("left", standing.course),),
    )


def _whole(figure: float) -> float | int:
    return int(figure) if figure == int(figure) else figure
