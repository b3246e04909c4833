"""What operators see of durable work at `/metrics`: what waits and for how long, what is in hand, how runs ended."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from tools.workflows.engine.engine import Engine


class WorkflowMetrics(Collector):
    """Read at each scrape from memory, as of the engine's last look. No tenant or workflow in a label: their number has no bound."""

    def __init__(self, engine: "Callable[[], Engine | None]", clock: Callable[[], float] = time.time) -> None:
        """`engine`: None while none is loaded (docs/decisions/0059)."""
        self._engine, self._clock = engine, clock

    def collect(self) -> Iterable[Metric]:
        engine = self._engine()
        due = 0 if engine is None else engine.outlook.due
        yield GaugeMetricFamily("ascend_workflow_backlog", "Runs that are due and in nobody's hands", value=due)
        oldest_us = None if engine is None else engine.outlook.oldest_due_us
        age_s = 0.0 if oldest_us is None else max(0.0, self._clock() - oldest_us / 1_000_000)
        yield GaugeMetricFamily("ascend_workflow_oldest_due_seconds", "How long the oldest of them has been due", value=age_s)
        yield GaugeMetricFamily(
            "ascend_workflow_runs_in_hand", "Runs that this process has in hand", value=0 if engine is None else engine.in_hand
        )
        kept_bytes, fullest = (0, 0.0) if engine is None else (engine.outlook.kept_bytes, engine.outlook.fullest)
        yield GaugeMetricFamily(
            "ascend_workflow_kept_bytes", "What runs of all tenants were given and gave that is on record", value=kept_bytes
        )
        yield GaugeMetricFamily("ascend_workflow_kept_ratio", "How much of its quota the tenant uses that has most of it", value=fullest)
        yield CounterMetricFamily(
            "ascend_workflow_attempts", "How often this process took a run", value=0 if engine is None else engine.taken
        )
        ended = CounterMetricFamily("ascend_workflow_runs", "Runs that ended in this process, by state", labels=["state"])
        for state in ("succeeded", "failed", "cancelled"):
            ended.add_metric([state], 0 if engine is None else engine.ended[state])
        yield ended
