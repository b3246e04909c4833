"""What the machinery that runs the gateway asks: `/healthz`, `/readyz`, and what `/metrics` shows beside the calls; put together."""

from collections.abc import Iterable
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector
from starlette.routing import Route

from server.assembly.connections import Connections
from server.assembly.shared_state import SharedState
from server.assembly.workflows.late_work import LateWork
from server.config.backup_folder import newest_backup_at
from server.config.settings import Settings
from server.observability.connection_metrics import ConnectionMetrics
from server.observability.health import Health, MetricsReaders
from server.observability.siblings import Siblings
from server.observability.store_metrics import StoreMetrics
from server.observability.telemetry import Telemetry
from server.observability.token_exchanges import TokenExchanges
from server.storage.change_feed import ChangeFeed
from server.storage.store import Store


class Watched(Protocol):
    """A part that counts something."""

    @property
    def metrics(self) -> Collector: ...


def register_metrics(
    registry: CollectorRegistry,
    settings: Settings,
    store: Store,
    exchanges: TokenExchanges,
    connections: Connections,
    work: LateWork,
    shared: SharedState,
    parts: Iterable[Watched],
) -> None:
    """Have every part that counts something show it."""
    exchanges.register(registry)
    for metrics in (
        *(part.metrics for part in parts),
        *work.metrics,
        *shared.metrics,
        ConnectionMetrics(connections.known, connections.refresher),
        StoreMetrics(settings.data_dir, store.sizes.bytes_by_store, partial(newest_backup_at, settings), store.security_events.counts),
    ):
        registry.register(metrics)


def health_routes(
    telemetry: Telemetry, settings: Settings, store: Store, feed: ChangeFeed, shared: SharedState, siblings: Siblings
) -> list[Route]:
    """Return the routes; the gateway serves without what nodes share."""
    needed = {"store": store.database.ping, "changes": feed.ready}
    return Health(telemetry, needed, MetricsReaders(settings), shared.checks, siblings).routes()
