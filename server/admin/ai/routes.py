"""The addresses under `/admin/api/ai`, and who may what there: the role is asked here, once, before an address looks at anything."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
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

_TENANT = {"tenant": "Of this tenant only."}
_PAGE = {"limit": "Rows of a page, up to 200.", "cursor": "next_cursor of the page before."}
_USAGE = {"by": "model, provider, key, user or day.", "since": "From when: a date or a time.", "format": "json, or svg for a picture."}


@dataclass(frozen=True, slots=True)
class AiRoute:
    """One method of one address, and what it takes; every read ends in time."""

    path: str
    answer: Answer
    #: as the OpenAPI document has it, with what it is for
    name: str
    about: str
    method: str = "GET"
    least: Role = Role.AUDITOR
    needs_step_up: bool = False
    #: parameters of the query, with their words
    asks: Mapping[str, str] = field(default_factory=dict)
    #: what is sent; "": nothing
    body: str = ""

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
        gateways, operator = f"{PREFIX}/gateways", Role.OPERATOR
        document = "The whole configuration of models, as the guide has it."
        new = "id, and what it may have: tenant, requests_per_min."
        state = 'state ("held", "running"), or share by arm.'
        return (
            AiRoute(config, self.config.show, "ai.config.get", "Show the configuration of models that is in force."),
            AiRoute(
                config,
                self.config.replace,
                "ai.config.replace",
                "Replace the configuration of models.",
                "PUT",
                Role.OWNER,
                needs_step_up=True,
                body=document,
            ),
            AiRoute(gateways, self.gateways.list_all, "ai.gateways.list", "List gateways of models.", asks=_TENANT),
            AiRoute(gateways, self.gateways.create, "ai.gateways.add", "Add a gateway of models.", "POST", operator, body=new),
            AiRoute(gateway, self.gateways.show, "ai.gateways.get", "Show a gateway of models.", asks=_TENANT),
            AiRoute(gateway, self.gateways.delete, "ai.gateways.delete", "End a gateway of models.", "DELETE", operator, asks=_TENANT),
            AiRoute(f"{gateway}/logs", self.gateways.logs, "ai.logs.list", "List model calls of a gateway.", asks={**_PAGE, **_TENANT}),
            AiRoute(f"{PREFIX}/usage", self.reports.usage, "ai.usage.list", "Sum up what model calls came to.", asks={**_USAGE, **_TENANT}),
            AiRoute(f"{PREFIX}/budgets", self.reports.budgets, "ai.budgets.list", "Say what budgets have left.", asks=_TENANT),
            AiRoute(f"{PREFIX}/experiments", self.reports.experiments, "ai.experiments.list", "List experiments with models."),
            AiRoute(experiment, self.reports.experiment, "ai.experiments.get", "Show an experiment with its arms."),
            AiRoute(
                experiment,
                self.reports.change_experiment,
                "ai.experiments.change",
                "Hold an experiment, go on with it, or share it anew.",
                "PATCH",
                operator,
                body=state,
            ),
            AiRoute(f"{PREFIX}/targets", self.targets.list_all, "ai.targets.list", "List the models that routes lead to."),
        )

    def router(self) -> Router:
        """Return the application behind AdminGuard."""
        return Router(
            [Route(each.path, each.__call__, methods=[each.method]) for each in self.routes()], redirect_slashes=False, default=nowhere
        )
