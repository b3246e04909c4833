"""What operators see of the machine's side at `/metrics`: how large the stores are, what is left, how old the newest backup is."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from server.identity import VERSION


class StoreMetrics(Collector):
    """Read at each scrape, from memory and from the file system's own figures."""

    def __init__(
        self,
        data_dir: Path,
        bytes_by_store: Callable[[], Mapping[str, int]],
        newest_backup_at: Callable[[], float | None],
        security_events: Mapping[str, int],
    ) -> None:
        """`security_events`: how many of each action this process has seen; `newest_backup_at`: epoch seconds, None: there is none."""
        self._data_dir, self._bytes_by_store = data_dir, bytes_by_store
        self._newest_backup_at, self._security_events = newest_backup_at, security_events

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("ascend_build", "Which version runs here", value={"version": VERSION})
        sizes = GaugeMetricFamily("ascend_store_bytes", "How large a store is on disk", labels=["store"])
        for name, size in self._bytes_by_store().items():
            sizes.add_metric([name], size)
        yield sizes
        disk = shutil.disk_usage(self._data_dir)
        yield GaugeMetricFamily("ascend_disk_free_ratio", "What is free where the data directory is", value=disk.free / disk.total)
        if (made_at := self._newest_backup_at()) is not None:
            yield GaugeMetricFamily("ascend_backup_newest_timestamp_seconds", "When the newest backup was made", value=made_at)
        sign_ins = CounterMetricFamily("ascend_sign_ins", "Sign-ins at this process by outcome", labels=["outcome"])
        for outcome, action in (("ok", "sign_in"), ("failed", "sign_in_failed")):
            sign_ins.add_metric([outcome], self._security_events.get(action, 0))
        yield sign_ins
