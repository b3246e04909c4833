"""What operators see of Redis at `/metrics`: whether it is there, and how what was asked ended."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_OUTCOMES = ("answered", "late", "failed", "skipped")


class RedisMetrics(Collector):
    """Read at each scrape, from memory."""

    def __init__(self, is_there: Callable[[], bool], asked: Mapping[str, int]) -> None:
        self._is_there, self._asked = is_there, asked

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "ascend_redis_up", "1 while Redis answers in time; 0: each node goes by its own state", int(self._is_there())
        )
        asked = CounterMetricFamily("ascend_redis_asked", "What Redis was asked, by outcome; skipped: it was away", labels=["outcome"])
        for outcome in _OUTCOMES:
            asked.add_metric([outcome], self._asked[outcome])
        yield asked
