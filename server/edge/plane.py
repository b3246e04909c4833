"""The edge as a whole: its routes in force, its endpoint, its checks."""

import logging
from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from starlette.types import ASGIApp, Receive, Scope, Send

from oauth.jwt import JwksCache
from server.config.settings import Settings
from server.config_versions.sections.edge import Edge, EdgeBackend, EdgeRoute
from server.config_versions.sections.edge_paths import first_segment
from server.edge.backends.choice import Backend, Backends
from server.edge.backends.forwarding import Forwarder
from server.edge.backends.health_checks import HealthChecks
from server.edge.caching.response_cache import ResponseCache
from server.edge.cors import Cors
from server.edge.endpoint import EdgeEndpoint
from server.edge.health import answer_health
from server.edge.outcomes import Outcomes
from server.edge.rate_windows import RateWindows
from server.edge.relay import PublicAddress, Relay
from server.edge.route import Route, UnderWay
from server.edge.route_table import RouteTable
from server.edge.user_tokens import UserTokens
from server.networks import Networks
from server.proxy_headers import ProxyHeaders
from tools.egress.client import Egress
from tools.egress.relay_pool import RelayPool
from tools.errors import EgressRefused
from tools.metering.shared_windows import SharedWindows
from tools.stores import Recorder

log = logging.getLogger("ascend.edge")


class EdgePlane:
    """An ASGI application that answers whatever is sent to it."""

    def __init__(self, settings: Settings, egress: Egress, pool: RelayPool, recorder: Recorder, limits: RateWindows) -> None:
        self._rules = egress.rules
        self._table = RouteTable(())
        self.pool = pool
        self.outcomes = Outcomes(recorder)
        self.endpoint = EdgeEndpoint(
            table=lambda: self._table,
            relay=Relay(Forwarder(pool), PublicAddress.of(settings.base_url), ResponseCache()),
            tokens=UserTokens(JwksCache(egress.outbound), limits),
            limits=limits,
            outcomes=self.outcomes,
        )
        self._checks = HealthChecks(pool, lambda: self._table.routes)
        self._proxied: ASGIApp = ProxyHeaders(self.endpoint, Networks(settings.origin.trusted_proxies), settings.data_dir)
        self.first_segments: frozenset[str] = frozenset()
        self.takes_all = False

    @property
    def has_routes(self) -> bool:
        return bool(self._table.routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._table.routes

    def change(self, section: Edge) -> None:
        """Put routes in force. A backend that stays keeps what is known of it, and a route what is under way."""
        known = {(route.label, backend.url): backend for route in self._table.routes for backend in route.backends.all}
        under_way = {route.label: route.under_way for route in self._table.routes}
        self._table = RouteTable(self._route(each, known, under_way.get(each.label)) for each in section.root)
        self.endpoint.relay.cache.clear()
        self.endpoint.relay.sockets.end_others(self._table)
        paths = [route.config.path for route in self._table.routes if route.config.path]
        self.first_segments, self.takes_all = frozenset(map(first_segment, paths)) - {"*"}, "/*" in paths

    async def run(self) -> None:
        """Look after backends until cancelled."""
        try:
            await self._checks.run()
        finally:
            self.pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health":
            await answer_health(self._table.routes, scope, receive, send)
        else:
            await self._proxied(scope, receive, send)

    def metrics(self) -> Iterable[Metric]:
        return self.outcomes.metrics(self._table.routes)

    def _route(self, config: EdgeRoute, known: dict[tuple[str, str], Backend], under_way: UnderWay | None) -> Route:
        backends = [self._backend(config, each, known) for each in config.backends]
        return Route(
            config,
            config.label,
            Backends([each for each in backends if each is not None]),
            frozenset(method.encode() for method in config.methods),
            Cors(config.cors, config) if config.cors is not None else None,
            under_way or UnderWay(),
        )

    def _backend(self, route: EdgeRoute, config: EdgeBackend, known: dict[tuple[str, str], Backend]) -> Backend | None:
        kept = known.get((route.label, config.url))
        if kept is not None:
            kept.weight = config.weight
            return kept
        try:
            return Backend(config, self._rules.target(config.url))
        except EgressRefused as refusal:
            # What may be called is the machine's to say (ASCEND_EGRESS_ALLOW), not the configuration's.
            facts = {"route": route.label, "backend": config.url, "why": refusal.failure.message, "hint": refusal.failure.hint}
            log.error("edge_backend_refused", extra={"facts": facts})
            return None


def open_plane(
    settings: Settings, egress: Egress, recorder: Recorder, hourly: Callable[[str], int | None], shared: SharedWindows | None = None
) -> EdgePlane:
    """Put the parts together, with connections behind the guard of everything else that leaves.

    hourly: requests an hour of a plan, by its name. shared: where all nodes count together.
    """
    if egress.connector is None:
        raise RuntimeError("egress is not open; enter it with `async with`")
    return EdgePlane(settings, egress, RelayPool(egress.connector), recorder, RateWindows(hourly, shared))
