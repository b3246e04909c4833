"""What `/metrics` shows beside the calls, put together."""

from functools import partial

from prometheus_client import CollectorRegistry

from server.assembly.ai_gateway import AiGateway
from server.assembly.alerts import Alerts
from server.assembly.connections import Connections
from server.assembly.edge import Edge
from server.assembly.log_sinks import LogShipping
from server.assembly.workflows.late_work import LateWork
from server.assembly.workflows.webhooks import Webhooks
from server.config.backup_folder import newest_backup_at
from server.config.settings import Settings
from server.observability.connection_metrics import ConnectionMetrics
from server.observability.store_metrics import StoreMetrics
from server.observability.token_exchanges import TokenExchanges
from server.storage.store import Store


def register_metrics(
    registry: CollectorRegistry,
    settings: Settings,
    store: Store,
    exchanges: TokenExchanges,
    connections: Connections,
    ai_gateway: AiGateway,
    work: LateWork,
    webhooks: Webhooks,
    alerts: Alerts,
    shipping: LogShipping,
    edge: Edge,
) -> None:
    """Have every part that counts something show it."""
    exchanges.register(registry)
    for metrics in (
        ai_gateway.metrics,
        *work.metrics,
        webhooks.metrics,
        alerts.metrics,
        shipping.metrics,
        edge.metrics,
        ConnectionMetrics(connections.known, connections.refresher),
        StoreMetrics(settings.data_dir, store.sizes.bytes_by_store, partial(newest_backup_at, settings), store.security_events.counts),
    ):
        registry.register(metrics)
