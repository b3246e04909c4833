"""What operators see of durable work at `/metrics`: what waits and for how long, what is in hand, how runs ended."""

import time
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tools.workflows.engine.engine import Engine


class WorkflowMetrics(Collector):
    """Read at each scrape from memory, as of the engine's last look. No tenant or workflow in a label: their number has no bound."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock = engine, clock

    def collect(self) -> Iterable[Metric]:
        outlook = self._engine.outlook
        yield GaugeMetricFamily("ascend_workflow_backlog", "Runs that are due and in nobody's hands", value=outlook.due)
        age_s = 0.0 if outlook.oldest_due_us is None else max(0.0, self._clock() - outlook.oldest_due_us / 1_000_000)
        yield GaugeMetricFamily("ascend_workflow_oldest_due_seconds", "How long the oldest of them has been due", value=age_s)
        yield GaugeMetricFamily("ascend_workflow_runs_in_hand", "Runs that this process has in hand", value=self._engine.in_hand)
        yield CounterMetricFamily("ascend_workflow_attempts", "How often this process took a run", value=self._engine.taken)
        ended = CounterMetricFamily("ascend_workflow_runs", "Runs that ended in this process, by state", labels=["state"])
        for state in ("succeeded", "failed", "cancelled"):
            ended.add_metric([state], self._engine.ended[state])
        yield ended
