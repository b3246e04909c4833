"""Webhooks put together: their address, what came, and the operations of whoever configures them."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import Route

from oauth.tenants import Tenants
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.vault import Vault
from server.config.settings import Settings
from server.hooks.endpoint import HookEndpoint
from server.hooks.known_webhooks import KnownWebhooks
from server.hooks.paths import PREFIX
from server.rate_limits import RateLimits
from server.storage.change_feed import ChangeFeed
from server.storage.store import Store
from tools.workflows.webhooks.webhook import TOPIC

_OUTCOMES = ("accepted", "duplicate", "answered", "refused", "limited", "unfit")


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Nothing of a webhook is read before a request comes to an address below `/hooks`."""

    endpoint: HookEndpoint

    def routes(self) -> list[Route]:
        return [Route(f"{PREFIX}/{{rest:path}}", self.endpoint)]

    def listen(self, feed: ChangeFeed) -> None:
        """Follow what commands and other nodes change."""
        feed.listen(TOPIC, self.endpoint.known.changed)

    @property
    def metrics(self) -> Collector:
        return WebhookMetrics(self.endpoint)


class WebhookMetrics(Collector):
    """Read at each scrape from memory. No tenant or source in a label: their number has no bound."""

    def __init__(self, endpoint: HookEndpoint) -> None:
        self._endpoint = endpoint

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("ascend_webhook_requests", "Requests to webhooks by outcome", labels=["outcome"])
        for outcome in _OUTCOMES:
            requests.add_metric([outcome], self._endpoint.counts[outcome])
        yield requests


def assemble_webhooks(settings: Settings, store: Store, vault: Vault, tenants: Tenants, limits: RateLimits) -> Webhooks:
    """Put the parts together; nothing is read yet."""
    known = KnownWebhooks(store.webhooks, NamedSecrets(vault), tenants)
    return Webhooks(HookEndpoint(known, store.deliveries, limits, settings.base_url))
