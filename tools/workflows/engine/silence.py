"""Which processes are silent: by what they wrote, and by a clock that nobody sets."""

import time
from collections.abc import Callable, Sequence

from tools.workflows.engine.records import Beat

#: a process that had runs in hand and has not beaten for so long is taken for dead
SILENCE_S = 30.0
#: whoever looks this rarely was away itself
LOOKS_APART_S = 5.0


class Silence:
    """Watches the beats of all processes, and says who is silent: not too early, not too late, and whatever clocks do.

    Silent is whose last beat is old by the clock of the wall and was seen unmoved for a sixth of that time; or whose beat has not moved
    for the whole of it by the monotonic clock: no clock that jumps keeps a dead process alive. Whoever watches must have looked all the
    while: after the store was away, or this process was stopped, the others get their chance to beat first. Who is taken for dead and
    is not has lost its runs' fences: it stops at its next record.
    """

    def __init__(self, silence_s: float, clock_us: Callable[[], int], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._silence_s, self._clock_us, self._monotonic = silence_s, clock_us, monotonic
        #: executor -> its beat, and when that was first seen
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = 0.0

    def silent(self, beats: Sequence[Beat], own: str) -> list[Beat]:
        """Return the beats of those that are silent, `own` never."""
        now, least_s = self._monotonic(), self._silence_s / 6
        if now - self._looked_at > max(least_s, LOOKS_APART_S):
            self._seen = {}
        self._looked_at = now
        self._seen = {beat.executor_id: self._first_seen(beat, now) for beat in beats}
        return [beat for beat in beats if beat.executor_id != own and self._is_silent(beat, now - self._seen[beat.executor_id][1], least_s)]

    def _is_silent(self, beat: Beat, unmoved_s: float, least_s: float) -> bool:
        is_old = self._clock_us() - beat.at_us > self._silence_s * 1_000_000
        return unmoved_s > self._silence_s or (is_old and unmoved_s > least_s)

    def _first_seen(self, beat: Beat, now: float) -> tuple[int, float]:
        known = self._seen.get(beat.executor_id)
        return known if known is not None and known[0] == beat.count else (beat.count, now)
