"""Webhooks put together: their address, which is loaded with the first request to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from oauth.tenants import Tenants
from oauth.vault.vault import Vault
from server.config.settings import Settings
from server.hooks.paths import PREFIX
from server.rate_limits import RateLimits
from server.storage.change_feed import Change, ChangeFeed
from server.storage.store import Store
from tools.workflows.topics import WEBHOOK_NEWS

if TYPE_CHECKING:
    from server.hooks.endpoint import HookEndpoint

_OUTCOMES = ("accepted", "duplicate", "answered", "refused", "limited", "unfit")


@dataclass(slots=True)
class Webhooks:
    """An ASGI application for everything below `/hooks`. Nothing of it is loaded, and no webhook read, before a request comes (0059)."""

    settings: Settings
    store: Store
    vault: Vault
    tenants: Tenants
    limits: RateLimits
    _endpoint: "HookEndpoint | None" = field(default=None)

    @property
    def endpoint(self) -> "HookEndpoint":
        """What answers."""
        if self._endpoint is None:
            opened: HookEndpoint = import_module("server.hooks.endpoint").open_endpoint(
                self.store.durable.webhooks, self.store.durable.deliveries, self.vault, self.tenants, self.limits, self.settings.base_url
            )
            self._endpoint = opened
        return self._endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.endpoint(scope, receive, send)

    def routes(self) -> list[Route]:
        return [Route(f"{PREFIX}/{{rest:path}}", self)]

    def listen(self, feed: ChangeFeed) -> None:
        """Follow what commands and other nodes change."""
        feed.listen(WEBHOOK_NEWS, self._changed)

    async def _changed(self, changes: Sequence[Change]) -> None:
        if self._endpoint is not None:
            await self._endpoint.known.changed(changes)

    @property
    def metrics(self) -> Collector:
        return WebhookMetrics(self)

    def count(self, outcome: str) -> int:
        """Return how many requests ended so since the start."""
        return 0 if self._endpoint is None else self._endpoint.counts[outcome]


class WebhookMetrics(Collector):
    """Read at each scrape from memory. No tenant or source in a label: their number has no bound."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("ascend_webhook_requests", "Requests to webhooks by outcome", labels=["outcome"])
        for outcome in _OUTCOMES:
            requests.add_metric([outcome], self._webhooks.count(outcome))
        yield requests
