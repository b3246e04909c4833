"""What operators see of connections at `/metrics`: how many are well, how refreshing goes, and how close the nearest end is."""

import time
from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oauth.connections.connections import KnownConnections
from oauth.connections.refresher import Refresher


class ConnectionMetrics(Collector):
    """Read at each scrape from memory. No tenant, person or provider in a label: their number has no bound."""

    def __init__(self, connections: KnownConnections, refresher: Refresher, clock: Callable[[], float] = time.time) -> None:
        self._connections, self._refresher, self._clock = connections, refresher, clock

    def collect(self) -> Iterable[Metric]:
        known = self._connections.all()
        states = Counter(self._connections.readiness_of(connection) for connection in known)
        connections = GaugeMetricFamily("ascend_connections", "Connected accounts by state", labels=["state"])
        for state in ("ready", "expired", "blocked"):
            connections.add_metric([state], states[state])
        yield connections
        outcomes: Counter[str] = Counter()
        for (_, outcome), count in self._refresher.counts.items():
            outcomes[outcome] += count
        refreshes = CounterMetricFamily("ascend_connection_refreshes", "Refreshes of this process by outcome", labels=["outcome"])
        for outcome in ("refreshed", "retried", "expired", "superseded", "late"):
            refreshes.add_metric([outcome], outcomes[outcome])
        yield refreshes
        refreshed = [each for each in known if each.state == "ready" and each.refresh_due_at is not None and each.expires_at is not None]
        slack = min((each.expires_at - self._clock() for each in refreshed if each.expires_at is not None), default=None)
        if slack is not None:
            yield GaugeMetricFamily("ascend_connection_earliest_expiry_seconds", "Until the first access token ends", value=slack)
