"""What a request at the edge leaves behind: a record as calls leave them, with log line, row and span; and figures by route."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from oauth.tenants import DEFAULT_TENANT
from server.edge.incoming import Incoming
from server.edge.route import Route
from tools.dispatch.failure_classes import MAX_REASON_CHARS
from tools.stores import CallRecord, Recorder

TOOL = "edge"
#: whose affair it is; everything else that the edge itself says no to is the caller's
_CLASSES = {
    "backend_failed": "upstream",
    "backend_timeout": "upstream",
    "broken_off": "upstream",
    "no_backend": "upstream",
    "busy": "ours",
    "internal_error": "ours",
    "loop_detected": "setup",
    "keys_unavailable": "upstream",
}


#: what no limit counted leaves a record at most so often, by route and outcome: whoever sends more must not push out those of others
UNCOUNTED_EVERY_S: Final = 1.0


class Outcomes:
    def __init__(self, recorder: Recorder, clock: Callable[[], float] = time.monotonic) -> None:
        self._recorder, self.clock = recorder, clock
        #: (route, outcome) -> how many; both are bounded: routes by the configuration, outcomes by our words
        self.counts: Counter[tuple[str, str]] = Counter()
        #: when such an outcome of what no limit counted last left a record
        self._recorded_at: dict[tuple[str, str], float] = {}

    def note(self, route: Route | None, request: Incoming, status: int, code: str, duration_ms: float, cause: str = "") -> None:
        """Record how a request ended: `code` of a refusal and what caused it, or "" and the backend's status."""
        label = route.label if route is not None else ""
        is_failed = bool(code) or status >= 500
        error_code = code or (f"answered_{status // 100}xx" if status >= 500 else "")
        outcome = (label, error_code or f"{status // 100}xx")
        self.counts[outcome] += 1
        # Anybody may ask for what is not there: counted, and no row.
        if route is None or not (request.is_admitted or self._is_due(outcome)):
            return
        self._recorder.record(
            CallRecord(
                tenant_id=DEFAULT_TENANT,
                tool=TOOL,
                operation=f"edge:{label}",
                auth_method="jwt" if request.subject else "none",
                duration_ms=duration_ms,
                success=not is_failed,
                error_code=error_code or None,
                trace_id=request.trace_id,
                subject=request.subject,
                client_id="",
                called_at_us=time.time_ns() // 1_000,
                error_class=(_CLASSES.get(code, "caller") if code else "upstream") if is_failed else "",
                upstream_ms=None if code else duration_ms,
                upstream_status=None if code else status,
                reason=(cause[:MAX_REASON_CHARS] or f"answered {status}") if is_failed else "",
            )
        )

    def _is_due(self, outcome: tuple[str, str]) -> bool:
        now = self.clock()
        if now - self._recorded_at.get(outcome, -math.inf) < UNCOUNTED_EVERY_S:
            return False
        self._recorded_at[outcome] = now
        return True

    def metrics(self, routes: Iterable[Route]) -> Iterable[Metric]:
        """Yield what a scrape shows."""
        requests = CounterMetricFamily("ascend_edge_requests", "Requests at the edge by route and outcome", labels=["route", "outcome"])
        for (route, outcome), count in self.counts.items():
            requests.add_metric([route, outcome], count)
        yield requests
        under_way = GaugeMetricFamily("ascend_edge_in_flight", "Exchanges at the edge that are under way", labels=["route"])
        for each in routes:
            under_way.add_metric([each.label], each.in_flight)
        yield under_way
