"""What operators see of schedules at `/metrics`: whether they beat, what became of slots, what is overdue."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from tools.workflows.schedules.slots import SlotCounts


class ScheduleMetrics(Collector):
    """Read at each scrape from memory. Built-in schedules by name, for whichever tenant; the rest has no bound and is "custom" together."""

    def __init__(self, counts: "Callable[[], SlotCounts | None]", clock: Callable[[], float] = time.time) -> None:
        """`counts`: None while nothing of schedules is loaded (docs/decisions/0059)."""
        self._counts, self._clock = counts, clock

    def collect(self) -> Iterable[Metric]:
        counts = self._counts()
        last = GaugeMetricFamily(
            "ascend_schedule_last_run_timestamp_seconds",
            "When this node last started a built-in schedule, for any tenant",
            labels=["schedule"],
        )
        for name, started_us in sorted(counts.last_started_us.items() if counts else ()):
            last.add_metric([name], started_us / 1_000_000)
        yield last
        slots = CounterMetricFamily("ascend_schedule_slots", "Slots of schedules by what this node did about them", labels=["outcome"])
        for outcome in ("started", "caught_up", "skipped", "missed", "idle", "failed"):
            slots.add_metric([outcome], counts.slots[outcome] if counts else 0)
        yield slots
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
        if counts is not None:
            for name in counts.names:
                missed.add_metric([name], counts.missed[name])
                late.add_metric([name], self._since_s(counts.late_since_us.get(name)))
        yield missed
        yield late
        late_s = self._since_s(counts.next_due_us if counts else None)
        yield GaugeMetricFamily("ascend_schedule_overdue_seconds", "How long the next slot has been waiting to be taken", value=late_s)

    def _since_s(self, time_us: int | None) -> float:
        return 0.0 if time_us is None else max(0.0, self._clock() - time_us / 1_000_000)
