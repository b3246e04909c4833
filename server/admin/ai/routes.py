"""The addresses under `/admin/api/`."""

from dataclasses import dataclass

from starlette.routing import BaseRoute, Route, Router

from server.admin.ai.config import ConfigEndpoint
from server.admin.ai.gateways import GatewaysEndpoint
from server.admin.ai.reports import ReportsEndpoint
from server.admin.ai.targets import TargetsEndpoint
from server.admin.guard import nowhere


@dataclass(frozen=True, slots=True)
class AiAdministration:
    config: ConfigEndpoint
    gateways: GatewaysEndpoint
    reports: ReportsEndpoint
    targets: TargetsEndpoint

    def router(self, prefix: str = "/ai") -> Router:
        """Return the application behind AdminGuard."""
        routes: list[BaseRoute] = [
            Route(f"{prefix}/config", self.config.show),
            Route(f"{prefix}/config", self.config.replace, methods=["PUT"]),
            Route(f"{prefix}/gateways", self.gateways.list_all),
            Route(f"{prefix}/gateways", self.gateways.create, methods=["POST"]),
            Route(f"{prefix}/gateways/{{id}}", self.gateways.show),
            Route(f"{prefix}/gateways/{{id}}", self.gateways.delete, methods=["DELETE"]),
            Route(f"{prefix}/gateways/{{id}}/logs", self.gateways.logs),
            Route(f"{prefix}/usage", self.reports.usage),
            Route(f"{prefix}/budgets", self.reports.budgets),
            Route(f"{prefix}/experiments", self.reports.experiments),
            Route(f"{prefix}/experiments/{{id}}", self.reports.experiment),
            Route(f"{prefix}/experiments/{{id}}", self.reports.change_experiment, methods=["PATCH"]),
            Route(f"{prefix}/targets", self.targets.list_all),
        ]
        return Router(routes, redirect_slashes=False, default=nowhere)
