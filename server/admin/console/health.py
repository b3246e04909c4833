"""The health page: green, or what to do."""

from starlette.responses import Response

from server.admin.answers import thing
from server.admin.console.page import ConsolePages
from server.admin.console.visitor import Visitor
from server.admin.health import HealthReader

_WORST = ("bad", "warn", "good")


class HealthPages:
    """`/admin/health`, for whoever reaches the whole gateway."""

    def __init__(self, pages: ConsolePages, health: HealthReader) -> None:
        self._pages, self._health = pages, health

    async def show(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused."""
        visitor.administrator.must_reach_gateway("Health")
        findings = sorted(await self._health.findings(), key=lambda finding: _WORST.index(finding.state))
        if visitor.address.get("format") == "json":
            items = [{"part": each.part, "state": each.state, "words": each.words, "advice": each.advice or None} for each in findings]
            return thing({"state": findings[0].state, "items": items})
        return await self._pages.show(visitor, "health", findings=findings, troubled=[each for each in findings if each.state != "good"])
