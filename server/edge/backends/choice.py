"""The backends of a route: shared out by weight among those that are well, marked where they fail."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from server.config_versions.sections.edge import EdgeBackend
from server.edge.refusals import EdgeRefused
from tools.egress.addresses import Target

#: failures in a row after which a backend is left alone; a connection that cannot be had is enough by itself
FAILURES: Final = 3
MARKED_S: Final = 10.0
MAX_MARKED_S: Final = 60.0


class Backend:
    """One server as this process has seen it. `is_well`: by its last health check, where there are any."""

    __slots__ = ("_clock", "_failures", "_marked_until", "_marks", "authority", "base_path", "is_well", "target", "url", "weight")

    def __init__(self, config: EdgeBackend, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
        self.url, self.weight, self.target, self._clock = config.url, config.weight, target, clock
        #: what Host says to it
        self.authority = (target.url.host_port_subcomponent or target.host).encode()
        self.base_path = target.url.raw_path.rstrip("/").encode()
        self.is_well = True
        self._failures = self._marks = 0
        self._marked_until = 0.0

    @property
    def may_answer(self) -> bool:
        """Say whether requests go to it now."""
        return self.is_well and (not self._marks or self._clock() >= self._marked_until)

    @property
    def back_in_s(self) -> float:
        """In how many seconds it is tried again at the latest; 0 where a health check has to say so."""
        return max(0.0, self._marked_until - self._clock())

    def answered(self) -> None:
        """It works."""
        # decision 0018: most of the time there is nothing to forget.
        if self._failures or self._marks:
            self._failures = self._marks = 0

    def failed(self, *, is_gone: bool) -> None:
        """It did not answer; `is_gone`: no connection could be had."""
        self._failures += 1
        if is_gone or self._failures >= FAILURES:
            self._marked_until = self._clock() + min(MAX_MARKED_S, MARKED_S * 2.0**self._marks)
            self._marks, self._failures = min(self._marks + 1, 8), 0

    def checked(self, *, is_well: bool) -> None:
        """Take the result of a health check, which also ends a mark."""
        self.is_well = is_well
        if is_well:
            self._failures = self._marks = 0


class Backends:
    """Chooses. Marks outlive a change of the configuration: they are handed over by URL."""

    def __init__(self, backends: Sequence[Backend], choose: Callable[[], float] = random.random) -> None:
        self.all = tuple(backends)
        self._choose = choose
        self._only = self.all[0] if len(self.all) == 1 and self.all[0].weight else None

    def pick(self, but: Backend | None = None) -> Backend:
        """Return one that is well, by weight, but not `but`. Raises EdgeRefused: 503 where there is none."""
        only = self._only
        if only is not None and but is None and only.may_answer:
            return only
        well = [each for each in self.all if each.weight and each is not but and each.may_answer]
        if not well:
            raise self._none_left()
        at = self._choose() * sum(each.weight for each in well)
        for each in well:
            at -= each.weight
            if at < 0:
                return each
        return well[-1]

    def _none_left(self) -> EdgeRefused:
        # Operations contract: all down is 503, and not a request that is sure to fail.
        waits = [each.back_in_s for each in self.all if each.weight and each.is_well]
        retry_after_s = max(1, round(min(waits, default=5.0)))
        return EdgeRefused(503, "no_backend", "no backend of this route answers at present; try again", {"retry-after": str(retry_after_s)})
