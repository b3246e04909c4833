"""Which processes are silent: by what they wrote, and by a clock that nobody sets."""

import time
from collections.abc import Callable, Sequence

from tools.workflows.engine.records import Beat

#: a process that had runs in hand and has not beaten for so long is taken for dead
SILENCE_S = 30.0


class Silence:
    """Watches the beats of all processes.

    Silent is whose last beat is old by the clock of the wall, and whose beat has not moved for as long by the monotonic clock: no jump
    of a clock keeps a dead process alive. Who is taken for dead and is not has lost its runs' fences: it stops at its next record.
    """

    def __init__(self, silence_s: float, clock_us: Callable[[], int], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._silence_s, self._clock_us, self._monotonic = silence_s, clock_us, monotonic
        #: executor -> its beat, and when that was first seen
        self._seen: dict[str, tuple[int, float]] = {}

    def silent(self, beats: Sequence[Beat], own: str) -> list[Beat]:
        """Return the beats of those that are silent, `own` never."""
        now, now_us = self._monotonic(), self._clock_us()
        seen = {beat.executor_id: self._first_seen(beat, now) for beat in beats}
        self._seen = seen
        return [
            beat
            for beat in beats
            if beat.executor_id != own
            and (now_us - beat.at_us > self._silence_s * 1_000_000 or now - seen[beat.executor_id][1] > self._silence_s)
        ]

    def _first_seen(self, beat: Beat, now: float) -> tuple[int, float]:
        known = self._seen.get(beat.executor_id)
        return known if known is not None and known[0] == beat.count else (beat.count, now)
