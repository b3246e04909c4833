"""Log sinks put together: nothing of them is loaded, and no line kept, before the configuration names one (0059)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oauth.tenants import DEFAULT_TENANT
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.vault import Vault
from server.background import kept_up
from server.config.settings import Settings
from server.config_versions.sections.sinks import Sinks
from server.storage.database import StoreUnavailable
from server.storage.history.shipped_rows import SqlShippedRows
from server.storage.store import Store
from tools.egress.client import Egress

if TYPE_CHECKING:
    from server.log_sinks.kept_lines import KeptLines
    from server.log_sinks.sending import LogSinks

LOOK_S = 1.0


@dataclass(slots=True)
class LogShipping:
    """What sends rows, and what keeps lines; each begins when the configuration first asks for it."""

    settings: Settings
    store: Store
    vault: Vault
    egress: Egress
    sinks: Callable[[], Sinks]
    sending: "LogSinks | None" = field(default=None)
    lines: "KeptLines | None" = field(default=None)

    async def run(self) -> None:
        """Wait until there is something to do, then do it until cancelled."""
        async with anyio.create_task_group() as group:
            while self.sending is None or self.lines is None:
                if self.sending is None and self.sinks().logs:
                    self.sending = self._open_sending()
                    group.start_soon(kept_up, self.sending.run)
                if self.lines is None and self.sinks().wants_lines:
                    kept: KeptLines = import_module("server.log_sinks.kept_lines").KeptLines(
                        self.store.event_lines, lambda: self.sinks().wants_lines, (StoreUnavailable, OSError)
                    )
                    self.lines = kept
                    group.start_soon(kept_up, kept.run)
                await anyio.sleep(LOOK_S)

    def _open_sending(self) -> "LogSinks":
        secrets = NamedSecrets(self.vault)

        async def reveal(name: str) -> bytes | None:
            return await secrets.reveal(DEFAULT_TENANT, name, "log sinks", "rows sent")

        opened = import_module("server.log_sinks.destinations.opened")
        destinations = opened.Destinations(self.egress, reveal, self.settings.store.environment)
        reading = SqlShippedRows(self.store.database, self.store.history)
        sending: LogSinks = import_module("server.log_sinks.sending").LogSinks(self.sinks, reading, self.store.sink_cursors, destinations)
        return sending

    @property
    def metrics(self) -> Collector:
        return LogSinkMetrics(self)


class LogSinkMetrics(Collector):
    """Read at each scrape from memory: what this process sends; sinks are eight at most."""

    def __init__(self, shipping: LogShipping) -> None:
        self._shipping = shipping

    def collect(self) -> Iterable[Metric]:
        labels = ["sink", "stream"]
        lag = GaugeMetricFamily("ascend_log_sink_lag_seconds", "For how long the oldest row has waited that has not arrived", labels=labels)
        sent = CounterMetricFamily("ascend_log_sink_rows", "Rows that arrived", labels=labels)
        lost = CounterMetricFamily("ascend_log_sink_lost_rows", "Rows that were removed or refused before they arrived", labels=labels)
        failures = CounterMetricFamily("ascend_log_sink_failures", "Attempts that failed since the start", labels=labels)
        for sender in self._shipping.sending.senders() if self._shipping.sending is not None else ():
            if (cursor := sender.seen) is None:
                continue
            names = [cursor.sink, cursor.stream]
            lag.add_metric(names, cursor.lag_s)
            sent.add_metric(names, cursor.sent_rows)
            lost.add_metric(names, cursor.lost_rows)
            failures.add_metric(names, sender.failures)
        dropped = self._shipping.lines.dropped if self._shipping.lines is not None else 0
        yield from (lag, sent, lost, failures)
        yield CounterMetricFamily("ascend_log_lines_not_kept", "Log lines that came faster than they may be kept", value=dropped)
