"""How quickly each target answered lately, and what it costs: what routes that pick the fastest or the cheapest go by."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.routing.decision import ModelTarget

MAX_TARGETS = 10_000
#: how much the newest answer weighs
_SHARE = 0.3
#: what is older says nothing: the target is tried again
_FRESH_S = 300.0


class TargetStanding:
    """An exponentially weighted average for each target, of this process, beside its price (`routing.standing.Standing`)."""

    def __init__(self, prices: PriceBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._prices, self._clock = prices, clock
        #: target -> ms until the first content, when that was seen
        self._seen: dict[str, tuple[float, float]] = {}

    def latency_ms(self, target: ModelTarget) -> float | None:
        """Return the milliseconds until the first content; None where the target has not answered lately."""
        ms, at = self._seen.get(target.name, (None, 0.0))
        return ms if ms is not None and at > self._clock() - _FRESH_S else None

    def price(self, target: ModelTarget) -> float | None:
        """Return dollars for a million tokens in and a million out; None: unknown."""
        return self._prices.per_million(target.provider.name, target.model, datetime.now(UTC))

    def observe(self, target: ModelTarget, ms: float) -> None:
        """Count an answer."""
        known, _ = self._seen.pop(target.name, (None, 0.0))
        self._seen[target.name] = (ms if known is None else known + _SHARE * (ms - known), self._clock())
        if len(self._seen) > MAX_TARGETS:
            del self._seen[next(iter(self._seen))]
