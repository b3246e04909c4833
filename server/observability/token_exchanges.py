"""What operators see of the token endpoint: metrics at once, and sums by the hour in the history."""

import logging
from collections import deque
from collections.abc import Iterable
from typing import Protocol

import anyio
from prometheus_client import CollectorRegistry, Counter, Histogram

from oauth.token import TokenExchange

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 5.0
#: of a store that does not answer so many are kept waiting; the oldest go, and the metrics know of all
MAX_WAITING = 50_000
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class TokenHours(Protocol):
    async def add(self, exchanges: Iterable[TokenExchange]) -> None:
        """Add them to their hours, all or none."""
        ...


class TokenExchanges:
    """Counts each exchange, and adds them to the history every few seconds. Labels have a bound: grant types and codes are ours."""

    def __init__(self, store: TokenHours, unavailable: tuple[type[Exception], ...]) -> None:
        self._store, self._unavailable = store, unavailable
        self._waiting: deque[TokenExchange] = deque(maxlen=MAX_WAITING)
        self._requests = Counter("ascend_token_requests", "Requests to /token by outcome", ["grant_type", "outcome"], registry=None)
        self._duration = Histogram(
            "ascend_token_duration_seconds", "How long /token took", ["grant_type"], buckets=_BUCKETS_S, registry=None
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Show the metrics there."""
        registry.register(self._requests)
        registry.register(self._duration)

    def exchanged(self, exchange: TokenExchange) -> None:
        """Take note of one; costs microseconds and waits for nothing."""
        self._requests.labels(exchange.grant_type, exchange.outcome).inc()
        self._duration.labels(exchange.grant_type).observe(exchange.duration_ms / 1_000)
        self._waiting.append(exchange)

    async def flush(self) -> None:
        """Add what waits to the history; what the store did not take waits on."""
        if not self._waiting:
            return
        batch = list(self._waiting)
        self._waiting.clear()
        try:
            await self._store.add(batch)
        except self._unavailable as error:
            self._waiting = deque([*batch, *self._waiting], maxlen=MAX_WAITING)
            logger.warning("token_hours_waiting", extra={"facts": {"waiting": len(self._waiting), "kind": type(error).__name__}})
        except Exception as error:  # The store answers and does not take them: the same would meet the same.
            facts = {"exchanges": len(batch), "kind": type(error).__name__}
            logger.error("token_hours_refused", exc_info=error, extra={"facts": facts})

    async def run(self) -> None:
        """Flush until cancelled, and once more then."""
        try:
            while True:
                await anyio.sleep(FLUSH_EVERY_S)
                await self.flush()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await self.flush()
