"""The addresses under `/admin/api/ai`, and who may what there: the role is asked here, once, before an address looks at anything."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from oauth.administration.roles import Role
from server.admin.ai.config import ConfigEndpoint
from server.admin.ai.gateways import GatewaysEndpoint
from server.admin.ai.reports import ReportsEndpoint
from server.admin.ai.targets import TargetsEndpoint
from server.admin.asked import administrator_of
from server.admin.changing import STEP_UP_S, is_fresh
from server.admin.guard import nowhere
from server.admin.reading import MAX_READ_S
from server.admin.refusals import step_up_needed
from server.storage.read_limit import reads_within

PREFIX: Final = "/ai"
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AiRoute:
    """One method of one address, and what it takes; every read ends in time."""

    path: str
    answer: Answer
    method: str = "GET"
    least: Role = Role.AUDITOR
    needs_step_up: bool = False

    async def __call__(self, request: Request) -> Response:
        """Answer whoever may ask. Raises AdminRefused, ReadTooLong."""
        administrator = administrator_of(request)
        administrator.must_be(self.least, f"{self.method} /admin/api{self.path}")
        if self.needs_step_up and not is_fresh(administrator, time.time()):
            raise step_up_needed(STEP_UP_S)
        if self.method != "GET":
            return await self.answer(request)
        with reads_within(MAX_READ_S):
            return await self.answer(request)


@dataclass(frozen=True, slots=True)
class AiAdministration:
    config: ConfigEndpoint
    gateways: GatewaysEndpoint
    reports: ReportsEndpoint
    targets: TargetsEndpoint

    def routes(self) -> tuple[AiRoute, ...]:
        """Return all that there is. Who replaces the configuration says where providers' keys go, so that it opens doors."""
        config, gateway, experiment = f"{PREFIX}/config", f"{PREFIX}/gateways/{{id}}", f"{PREFIX}/experiments/{{id}}"
        return (
            AiRoute(config, self.config.show),
            AiRoute(config, self.config.replace, "PUT", Role.OWNER, needs_step_up=True),
            AiRoute(f"{PREFIX}/gateways", self.gateways.list_all),
            AiRoute(f"{PREFIX}/gateways", self.gateways.create, "POST", Role.OPERATOR),
            AiRoute(gateway, self.gateways.show),
            AiRoute(gateway, self.gateways.delete, "DELETE", Role.OPERATOR),
            AiRoute(f"{gateway}/logs", self.gateways.logs),
            AiRoute(f"{PREFIX}/usage", self.reports.usage),
            AiRoute(f"{PREFIX}/budgets", self.reports.budgets),
            AiRoute(f"{PREFIX}/experiments", self.reports.experiments),
            AiRoute(experiment, self.reports.experiment),
            AiRoute(experiment, self.reports.change_experiment, "PATCH", Role.OPERATOR),
            AiRoute(f"{PREFIX}/targets", self.targets.list_all),
        )

    def router(self) -> Router:
        """Return the application behind AdminGuard."""
        return Router(
            [Route(each.path, each.__call__, methods=[each.method]) for each in self.routes()], redirect_slashes=False, default=nowhere
        )
