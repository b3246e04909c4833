"""What `/metrics` shows beside the calls, put together."""

from prometheus_client import CollectorRegistry

from server.assembly.ai_gateway import AiGateway
from server.assembly.alerts import Alerts
from server.assembly.backup_processes import BackupProcesses
from server.assembly.connections import Connections
from server.assembly.schedules import ScheduledWork
from server.assembly.webhooks import Webhooks
from server.assembly.workflows import DurableWork
from server.config.settings import Settings
from server.observability.connection_metrics import ConnectionMetrics
from server.observability.schedule_metrics import ScheduleMetrics
from server.observability.store_metrics import StoreMetrics
from server.observability.token_exchanges import TokenExchanges
from server.observability.workflow_metrics import WorkflowMetrics
from server.storage.store import Store


def register_metrics(
    registry: CollectorRegistry,
    settings: Settings,
    store: Store,
    exchanges: TokenExchanges,
    connections: Connections,
    ai_gateway: AiGateway,
    work: DurableWork,
    webhooks: Webhooks,
    scheduled: ScheduledWork,
    alerts: Alerts,
) -> None:
    """Have every part that counts something show it."""
    exchanges.register(registry)
    backups = BackupProcesses(settings)
    for metrics in (
        ai_gateway.metrics,
        WorkflowMetrics(work.engine),
        webhooks.metrics,
        alerts.metrics,
        ScheduleMetrics(scheduled.scheduler),
        ConnectionMetrics(connections.known, connections.refresher),
        StoreMetrics(settings.data_dir, store.sizes.bytes_by_store, backups.newest_at, store.security_events.counts),
    ):
        registry.register(metrics)
