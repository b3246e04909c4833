"""Alerts of this process: what looks is loaded some seconds after the start, so that nobody waits for it (decision 0059)."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.assembly.ai_gateway import AiGateway
from server.assembly.connections import Connections
from server.assembly.operations import Operations
from server.assembly.shared_state import SharedState
from server.assembly.workflows.late_work import LateWork
from server.config.settings import Settings
from server.config_versions.live import LiveConfig
from server.storage.change_feed import ChangeFeed
from server.storage.store import Store
from tools.egress.client import Egress

if TYPE_CHECKING:
    from server.alerts.watch import Watch

FIRST_LOOK_S = 10.0


@dataclass(slots=True)
class Alerts:
    """Looks until cancelled, once `run` is begun."""

    settings: Settings
    store: Store
    feed: ChangeFeed
    egress: Egress
    connections: Connections
    operations: Operations
    ai_gateway: AiGateway
    work: LateWork
    config: LiveConfig
    shared: SharedState
    watch: "Watch | None" = field(default=None)

    async def run(self) -> None:
        await anyio.sleep(FIRST_LOOK_S)
        self.watch = import_module("server.assembly.alert_sources").open_alerts(self)
        await self.watch.run()

    @property
    def metrics(self) -> Collector:
        return AlertMetrics(self)


class AlertMetrics(Collector):
    """Read at each scrape from memory. Only the node that looks says what fires: the sum over nodes is what there is."""

    def __init__(self, alerts: Alerts, clock: Callable[[], float] = time.time) -> None:
        self._alerts, self._clock = alerts, clock

    def collect(self) -> Iterable[Metric]:
        watch = self._alerts.watch
        firing = GaugeMetricFamily("ascend_alerts_firing", "Alerts that fire, as the node that looks knows them", labels=["rule"])
        for rule, count in sorted(watch.firing.items() if watch is not None else ()):
            firing.add_metric([rule], count)
        yield firing
        looks = CounterMetricFamily("ascend_alert_looks", "Looks at the rules of alerts by what came of them", labels=["outcome"])
        for outcome in ("held", "other", "failed"):
            looks.add_metric([outcome], watch.looks[outcome] if watch is not None else 0)
        yield looks
        deliveries = CounterMetricFamily("ascend_alert_deliveries", "Tries to deliver a message", labels=["kind", "outcome"])
        for (kind, outcome), count in sorted(watch.deliveries.items() if watch is not None else ()):
            deliveries.add_metric([kind, outcome], count)
        yield deliveries
