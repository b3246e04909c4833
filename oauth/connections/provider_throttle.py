"""How fast this process asks each provider for tokens: parallel requests, requests a minute, and pauses that a provider asks for.

Kept for each application: what one tenant's own registration meets does not slow anybody else's accounts.
"""

import time
from collections import deque
from collections.abc import Callable

from oauth.connections.provider import Provider

WINDOW_S = 60.0
#: after our application was refused, or a 429 without a time
PAUSE_S = 60.0


#: whose registration, and the provider
ApplicationKey = tuple[str, str]


class ProviderThrottle:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._open: dict[ApplicationKey, int] = {}
        self._parallel: dict[ApplicationKey, int] = {}
        self._per_min: dict[ApplicationKey, int] = {}
        self._begun: dict[ApplicationKey, deque[float]] = {}
        self._paused_until: dict[ApplicationKey, float] = {}

    def taken(self, key: ApplicationKey, provider: Provider) -> None:
        """A refresh by `key` begins."""
        self._open[key] = self._open.get(key, 0) + 1
        self._parallel[key] = provider.parallel_refreshes
        if provider.refreshes_per_min is not None:
            self._per_min[key] = provider.refreshes_per_min
            self._begun.setdefault(key, deque()).append(self._clock())

    def done(self, key: ApplicationKey) -> None:
        """A refresh by `key` ended."""
        self._open[key] -= 1

    def pause(self, key: ApplicationKey, wait_s: float | None) -> None:
        """Do nothing by `key` for a while."""
        until = self._clock() + min(wait_s if wait_s is not None else PAUSE_S, 3600.0)
        self._paused_until[key] = max(until, self._paused_until.get(key, 0.0))

    def busy(self) -> frozenset[ApplicationKey]:
        """Return the applications that must not be asked now."""
        now = self._clock()
        full = {key for key, count in self._open.items() if count >= self._parallel[key]}
        paused = {key for key, until in self._paused_until.items() if until > now}
        for key, begun in self._begun.items():
            while begun and begun[0] <= now - WINDOW_S:
                begun.popleft()
            if len(begun) >= self._per_min[key]:
                full.add(key)
        return frozenset(full | paused)
