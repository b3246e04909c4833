"""Metrics of several processes as those of one gateway: what is counted is summed, what is seen by all is taken once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

#: kinds that are counts, and may be added up
_COUNTED = frozenset({"counter", "histogram", "gaugehistogram", "summary"})
#: gauges of what each process has of its own
_SUMMED_GAUGES = frozenset({"ascend_workers", "ascend_call_rows_waiting", "ascend_edge_in_flight"})
#: 1 while all is well: one process that sees it otherwise is enough. Of the others, which all read from one store, the highest is taken.
_LOWEST_GAUGES = frozenset({"ascend_redis_up"})
#: what operating system and interpreter tell of a process means nothing but of that process
_OF_A_PROCESS = ("process_", "python_")
#: when a count began; of a sum there is no such moment
_CREATED = "_created"

_Key = tuple[str, tuple[tuple[str, str], ...]]


def told(registry: CollectorRegistry) -> bytes:
    """Return what `registry` has now, for `summed` in another process."""
    families = [
        {
            "name": each.name,
            "kind": each.type,
            "help": each.documentation,
            "unit": each.unit,
            "samples": [[sample.name, dict(sample.labels), sample.value] for sample in each.samples if not sample.name.endswith(_CREATED)],
        }
        for each in registry.collect()
    ]
    return orjson.dumps(families)


def summed(told_by_worker: Mapping[str, bytes]) -> bytes:
    """Return in the Prometheus text format what workers, by their numbers, told."""
    families: dict[str, tuple[Metric, dict[_Key, float]]] = {}
    for worker, said in told_by_worker.items():
        for family in _read(said):
            metric, values = families.setdefault(family["name"], (_empty(family), {}))
            for name, labels, value in family["samples"]:
                _add(values, metric, worker, name, labels, value)
    return generate_latest(_Given(_filled(families.values())))


def _read(said: bytes) -> Any:
    """Return the families that a worker told; none of one that ended in the middle of its word."""
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return []


def _add(values: dict[_Key, float], metric: Metric, worker: str, name: str, labels: dict[str, str], value: float) -> None:
    if metric.name.startswith(_OF_A_PROCESS):
        labels = {**labels, "worker": worker}
    key = (name, tuple(labels.items()))
    if key not in values:
        values[key] = value
    elif metric.type in _COUNTED or metric.name in _SUMMED_GAUGES:
        values[key] += value
    elif metric.name in _LOWEST_GAUGES:
        values[key] = min(values[key], value)
    else:
        values[key] = max(values[key], value)


def _empty(family: Mapping[str, Any]) -> Metric:
    return Metric(family["name"], family["help"], family["kind"], family["unit"])


def _filled(families: Iterable[tuple[Metric, Mapping[_Key, float]]]) -> Sequence[Metric]:
    filled = []
    for metric, values in families:
        for (name, labels), value in values.items():
            metric.add_sample(name, dict(labels), value)
        filled.append(metric)
    return filled


class _Given:
    """What `generate_latest` asks a registry for."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
