"""`targets`: how the models stand that routes lead to, as the process that answers sees them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from oauth.tenants import DEFAULT_TENANT
from server.admin.answers import page
from server.admin.asked import administrator_of, part_of
from tools.ai_gateway.breaker import Breakers
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.provider_keys import ProviderKeys
from tools.ai_gateway.routing.routing_table import RoutingTable
from tools.ai_gateway.routing.standing import Standing
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class TargetsEndpoint:
    live: LiveConfig
    keys: ProviderKeys
    breakers: Breakers
    standing: Standing

    async def list_all(self, request: Request) -> Response:
        """GET: by id. `state` is of the circuit breaker: closed, open, or half_open when the next call may try again."""
        administrator_of(request).must_reach_gateway("what targets do")
        config = self.live.current
        table, resting = RoutingTable(config), self.breakers.open_targets()
        routes_by_target: dict[str, list[str]] = {name: [] for name in config.models}
        for route in config.routes.values():
            for each in route.targets:
                if each.use not in config.routes:
                    routes_by_target.setdefault(each.use, []).append(route.name)
        rows: list[Json] = []
        for name in sorted(routes_by_target):
            if (target := table.target(name)) is None:
                continue
            opens_in_s = resting.get(target.name)
            latency_ms = self.standing.latency_ms(target)
            rows.append(
                {
                    "id": name,
                    "provider": target.provider.name,
                    "model": target.model,
                    "routes": routes_by_target[name],
                    "state": "closed" if opens_in_s is None else "open" if opens_in_s else "half_open",
                    "opens_in_s": None if opens_in_s is None else round(opens_in_s, 1),
                    "latency_ms": None if latency_ms is None else round(latency_ms, 1),
                    "usd_per_million": self.standing.price(target),
                    "has_key": self.keys.has_key(DEFAULT_TENANT, target.provider),
                }
            )
        return page(*part_of(request, rows, "id"))
