"""Messages brought to their sinks: at least once, whoever dies; again and again, ever later; given up with words."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import anyio

from server.alerts.errors import DeliveryFailed, NotTaken, TryAgain
from server.alerts.message import AlertMessage
from server.alerts.sinks.opened import Sinks
from server.config_versions.sections.alerts import Alerts, AlertSink
from server.storage.alerts.records import AlertDelivery, DeliveryState
from server.storage.database import StoreUnavailable

#: between tries, each 10 % more or less; a sink that is away for fifteen hours is told nothing of before
BACKOFF_S = (5.0, 30.0, 120.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0)
MAX_ATTEMPTS = len(BACKOFF_S) + 1
#: of what a sink asks for
LONGEST_WAIT_S = 3_600.0
#: a try ends within that, or its node is dead
CLAIMED_US = 60 * 1_000_000
TRY_TIMEOUT_S = 30.0
AT_ONCE = 50

log = logging.getLogger("ascend.alerts")


class Outbox(Protocol):
    async def due(self, now_us: int, limit: int) -> Sequence[AlertDelivery]: ...

    async def claim(self, delivery: AlertDelivery, until_us: int) -> AlertDelivery | None: ...

    async def note(self, claimed: AlertDelivery, state: DeliveryState, next_at_us: int, error: str = "") -> bool: ...


class Deliveries:
    """`counts`: (kind of sink, sent | failed | dead) -> tries of this process."""

    def __init__(
        self,
        outbox: Outbox,
        sinks: Sinks,
        settings: Callable[[], Alerts],
        *,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        jitter: Callable[[], float] = lambda: random.uniform(0.9, 1.1),  # noqa: S311  spreads tries, hides nothing
    ) -> None:
        self._outbox, self._sinks, self._settings, self._clock_us, self._jitter = outbox, sinks, settings, clock_us, jitter
        self.counts: Counter[tuple[str, str]] = Counter()

    async def deliver_due(self) -> int:
        """Try every message whose time has come, sinks side by side and each in order; return how many were tried."""
        due = await self._outbox.due(self._clock_us(), AT_ONCE)
        by_sink: dict[str, list[AlertDelivery]] = {}
        for each in due:
            by_sink.setdefault(each.sink, []).append(each)
        async with anyio.create_task_group() as group:
            for deliveries in by_sink.values():
                group.start_soon(self._deliver, deliveries)
        return len(due)

    async def _deliver(self, deliveries: Sequence[AlertDelivery]) -> None:
        for each in deliveries:
            claimed = await self._outbox.claim(each, self._clock_us() + CLAIMED_US)
            if claimed is not None and not await self._try(claimed):
                return  # What comes after it would meet the same, and keeps its turn.

    async def _try(self, claimed: AlertDelivery) -> bool:
        """Try once, and note what became of it; False: the sink takes nothing at the moment."""
        sink = next((each for each in self._settings().sinks if each.name == claimed.sink), None)
        kind = "removed" if sink is None else sink.kind
        try:
            if sink is None:
                raise NotTaken("there is no such sink any more")
            await self.send(sink, claimed.delivery_id, _read(claimed))
        except NotTaken as error:
            await self._note(claimed, kind, "dead", 0.0, str(error))
            return True
        except TryAgain as error:
            if claimed.attempts >= MAX_ATTEMPTS:
                await self._note(claimed, kind, "dead", 0.0, f"{error}; given up after {claimed.attempts} tries")
                return True
            await self._note(claimed, kind, "waiting", self._wait_s(claimed.attempts, error.after_s), str(error))
            return False
        await self._note(claimed, kind, "sent", 0.0, "")
        return True

    async def send(self, sink: AlertSink, delivery_id: str, message: AlertMessage) -> None:
        """Hand a message to a sink, within its time. Raises TryAgain, NotTaken."""
        try:
            with anyio.fail_after(TRY_TIMEOUT_S):
                await (await self._sinks.open(sink)).send(delivery_id, message)
        except TimeoutError as error:
            raise TryAgain("it gave no answer in time") from error
        except (DeliveryFailed, StoreUnavailable):
            raise
        except Exception as error:  # of a library, or ours: one sink's fault is no other's, and ends like any other
            log.error("alert_sink_failed", exc_info=error, extra={"facts": {"sink": sink.name, "kind": type(error).__name__}})
            raise TryAgain(f"a fault on our side ({type(error).__name__}); the log says more") from error

    def _wait_s(self, attempts: int, asked_s: float | None) -> float:
        wait_s = BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1] * self._jitter()
        return wait_s if asked_s is None else max(wait_s, min(asked_s, LONGEST_WAIT_S))

    async def _note(self, claimed: AlertDelivery, kind: str, state: DeliveryState, wait_s: float, why: str) -> None:
        self.counts[kind, "failed" if state == "waiting" else state] += 1
        if state != "sent":
            facts = {"sink": claimed.sink, "rule": claimed.rule, "delivery": claimed.delivery_id, "attempts": claimed.attempts, "why": why}
            log.warning("alert_not_delivered" if state == "waiting" else "alert_given_up", extra={"facts": facts})
        await self._outbox.note(claimed, state, self._clock_us() + int(wait_s * 1_000_000), why)


def _read(delivery: AlertDelivery) -> AlertMessage:
    """Return a message as it was written. Raises NotTaken for one of a release that wrote them otherwise."""
    try:
        return AlertMessage.from_json(delivery.message)
    except (KeyError, TypeError, ValueError) as error:
        raise NotTaken("another release wrote it, and this one cannot read it") from error


def takes(sink: AlertSink, rule: str, severity: str) -> bool:
    """Say whether a sink is told of a rule."""
    return (not sink.rules or rule in sink.rules) and (sink.severity == "warning" or severity == "critical")
