"""All that is kept of alerts, opened together."""

from dataclasses import dataclass

from server.storage.alerts.figures import AlertFigures
from server.storage.alerts.nodes import SqlNodeReports
from server.storage.alerts.outbox import SqlAlertOutbox
from server.storage.alerts.silences import SqlSilences
from server.storage.alerts.states import SqlAlertStore
from server.storage.database import Database

_DAY_US = 24 * 3600 * 1_000_000
#: operations contract, "Retention": runs of jobs, which messages are like
MESSAGES_KEPT_US = 90 * _DAY_US
SILENCES_KEPT_US, NODES_KEPT_US = 90 * _DAY_US, 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class AlertStores:
    states: SqlAlertStore
    outbox: SqlAlertOutbox
    silences: SqlSilences
    nodes: SqlNodeReports
    figures: AlertFigures

    async def forget_old(self, now_us: int) -> None:
        """Forget messages and silences that ended long ago, and nodes that are gone."""
        await self.outbox.forget_before(now_us - MESSAGES_KEPT_US)
        await self.silences.forget_before(now_us - SILENCES_KEPT_US)
        await self.nodes.forget_before(now_us - NODES_KEPT_US)


def alert_stores(database: Database, history: Database, quota_scale: float = 1.0) -> AlertStores:
    return AlertStores(
        states=SqlAlertStore(database),
        outbox=SqlAlertOutbox(database),
        silences=SqlSilences(database, quota_scale),
        nodes=SqlNodeReports(database),
        figures=AlertFigures(database, history),
    )
