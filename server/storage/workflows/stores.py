"""The stores of durable work, together: loaded when the first of them is asked for (docs/decisions/0059)."""

from dataclasses import dataclass

from server.storage.database import Database
from server.storage.workflows.definitions import SqlDefinitionStore
from server.storage.workflows.runs.named_runs import SqlNamedRuns
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.writes import writes_within
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from server.storage.workflows.webhooks.deliveries import SqlDeliveryStore
from server.storage.workflows.webhooks.webhooks import SqlWebhookStore
from tools.context_plane.quotas import CONTEXT
from tools.quotas import DOCUMENTS
from tools.workflows.declared.stores import MAX_DEFINITIONS
from tools.workflows.engine.run_quotas import RUN_QUOTAS
from tools.workflows.webhooks.quotas import WEBHOOKS


@dataclass(frozen=True, slots=True)
class DurableStores:
    """What runs, schedules and webhooks are kept in."""

    runs: SqlRunStore
    run_records: SqlRunRecords
    named_runs: SqlNamedRuns
    schedules: SqlScheduleStore
    webhooks: SqlWebhookStore
    deliveries: SqlDeliveryStore
    definitions: SqlDefinitionStore


def durable_stores(database: Database, scale: float) -> DurableStores:
    """Put them together; `scale`: how many times the quotas may be kept."""
    return DurableStores(
        runs=SqlRunStore(database, writes_within(CONTEXT.scaled(scale), DOCUMENTS.scaled(scale)), RUN_QUOTAS.scaled(scale)),
        run_records=SqlRunRecords(database, RUN_QUOTAS.scaled(scale)),
        named_runs=SqlNamedRuns(database),
        schedules=SqlScheduleStore(database, scale),
        webhooks=SqlWebhookStore(database, WEBHOOKS.scaled(scale)),
        deliveries=SqlDeliveryStore(database, WEBHOOKS.scaled(scale)),
        definitions=SqlDefinitionStore(database, max(1, round(MAX_DEFINITIONS * scale))),
    )
