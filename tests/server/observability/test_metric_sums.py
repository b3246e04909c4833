"""Metrics of several workers as those of one gateway."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.process_collector import ProcessCollector

from server.observability.metric_sums import summed, told


def registry(calls: int, seconds: float, waiting: float, free: float) -> CollectorRegistry:
    made = CollectorRegistry()
    counter = Counter("ascend_calls", "Calls", ["tool"], registry=made)
    counter.labels("call_api").inc(calls)
    if calls > 1:
        counter.labels("batch_execute").inc()
    Histogram("ascend_call_duration_seconds", "Time", buckets=(0.1, 1), registry=made).observe(seconds)
    Gauge("ascend_call_rows_waiting", "Waiting", registry=made).set(waiting)
    Gauge("ascend_disk_free_ratio", "Free", registry=made).set(free)
    ProcessCollector(registry=made)
    return made


def samples(text: bytes) -> dict[tuple[str, str], float]:
    found = text_string_to_metric_families(text.decode())
    return {(each.name, ",".join(each.labels.values())): each.value for family in found for each in family.samples}


def test_counts_are_summed_and_what_all_see_is_taken_once() -> None:
    """Two workers count calls for themselves, and see the same disk."""
    seen = samples(summed({"1": told(registry(3, 0.05, 4, 0.5)), "2": told(registry(1, 0.5, 1, 0.4))}))
    assert seen["ascend_calls_total", "call_api"] == 4
    assert seen["ascend_calls_total", "batch_execute"] == 1
    assert [seen["ascend_call_duration_seconds_bucket", le] for le in ("0.1", "1.0", "+Inf")] == [1, 2, 2]
    assert seen["ascend_call_duration_seconds_sum", ""] == 0.55
    assert seen["ascend_call_rows_waiting", ""] == 5
    assert seen["ascend_disk_free_ratio", ""] == 0.5


def test_what_is_under_way_is_summed_and_one_worker_without_redis_is_enough() -> None:
    def told_by(in_flight: int, redis_up: int) -> bytes:
        made = CollectorRegistry()
        Gauge("ascend_edge_in_flight", "Under way", ["route"], registry=made).labels("crm").set(in_flight)
        Gauge("ascend_redis_up", "Up", registry=made).set(redis_up)
        return told(made)

    seen = samples(summed({"1": told_by(3, 1), "2": told_by(2, 0), "3": told_by(0, 1)}))
    assert (seen["ascend_edge_in_flight", "crm"], seen["ascend_redis_up", ""]) == (5, 0)


def test_what_the_system_tells_of_a_process_says_which() -> None:
    seen = samples(summed({"1": told(registry(1, 1, 1, 1)), "2": told(registry(1, 1, 1, 1))}))
    assert {labels for name, labels in seen if name == "process_resident_memory_bytes"} == {"1", "2"}


def test_one_worker_tells_what_it_would_alone() -> None:
    """But for when counts began: a sum has no such moment."""
    alone = samples(summed({"1": told(registry(3, 0.05, 4, 0.5))}))
    assert not [name for name, _ in alone if name.endswith("_created")]
    assert alone["ascend_calls_total", "call_api"] == 3


def test_a_worker_that_was_killed_in_the_middle_of_its_word_is_left_out() -> None:
    """Or no worker's metrics were to be had."""
    whole = told(registry(3, 0.05, 4, 0.5))
    assert samples(summed({"1": whole, "2": whole[: len(whole) // 2], "3": b""}))["ascend_calls_total", "call_api"] == 3
