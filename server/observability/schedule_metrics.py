"""What operators see of schedules at `/metrics`: whether they beat, what became of slots, what is overdue."""

import time
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tools.workflows.schedules.builtin import BUILTIN
from tools.workflows.schedules.scheduler import Scheduler
from tools.workflows.schedules.slots import CUSTOM


class ScheduleMetrics(Collector):
    """Read at each scrape from memory. Built-in schedules by name, for whichever tenant; the rest has no bound and is "custom" together."""

    def __init__(self, scheduler: Scheduler, clock: Callable[[], float] = time.time) -> None:
        self._scheduler, self._clock = scheduler, clock

    def collect(self) -> Iterable[Metric]:
        counts = self._scheduler.counts
        last = GaugeMetricFamily(
            "ascend_schedule_last_run_timestamp_seconds",
            "When this node last started a built-in schedule, for any tenant",
            labels=["schedule"],
        )
        for name, started_us in sorted(counts.last_started_us.items()):
            last.add_metric([name], started_us / 1_000_000)
        yield last
        slots = CounterMetricFamily("ascend_schedule_slots", "Slots of schedules by what this node did about them", labels=["outcome"])
        for outcome in ("started", "caught_up", "skipped", "missed", "idle", "failed"):
            slots.add_metric([outcome], counts.slots[outcome])
        yield slots
        names = [*sorted(BUILTIN), CUSTOM]
        missed = CounterMetricFamily(
            "ascend_schedule_missed",
            "Slots that came and started nothing: passed while no gateway ran, skipped for a run that went on, or failed to start",
            labels=["schedule"],
        )
        late = GaugeMetricFamily(
            "ascend_schedule_late_seconds",
            "For how long the slot of a schedule has been there and nothing was started",
            labels=["schedule"],
        )
        for name in names:
            missed.add_metric([name], counts.missed[name])
            since_us = counts.late_since_us.get(name)
            late.add_metric([name], 0.0 if since_us is None else max(0.0, self._clock() - since_us / 1_000_000))
        yield missed
        yield late
        late_s = 0.0 if counts.next_due_us is None else max(0.0, self._clock() - counts.next_due_us / 1_000_000)
        yield GaugeMetricFamily("ascend_schedule_overdue_seconds", "How long the next slot has been waiting to be taken", value=late_s)
