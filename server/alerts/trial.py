"""Whether sinks take a message: tried now, one by one, whatever they are told of otherwise."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from server.alerts.delivery import Deliveries
from server.alerts.errors import DeliveryFailed
from server.alerts.message import trial_message
from server.config_versions.sections.alerts import AlertSink


@dataclass(frozen=True, slots=True)
class Tried:
    """`why` "": the sink took it."""

    sink: str
    kind: str
    took_ms: float
    why: str


async def try_sinks(deliveries: Deliveries, sinks: Sequence[AlertSink], now_us: int, *, gateway: str, environment: str) -> Sequence[Tried]:
    """Send a test message to each sink and return what became of it."""
    tried = []
    for sink in sinks:
        begun_at, why = time.perf_counter(), ""
        try:
            await deliveries.send(sink, uuid4().hex, trial_message(now_us, gateway=gateway, environment=environment))
        except DeliveryFailed as error:
            why = str(error)
        tried.append(Tried(sink.name, sink.kind, (time.perf_counter() - begun_at) * 1_000, why))
    return tried
