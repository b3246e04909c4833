"""How much counters grew within the last minutes, from what they were when somebody looked."""

from collections.abc import Sequence

#: a look at each quarter of a minute, for an hour
MOST_SAMPLES = 300


class CounterWindow:
    """Counters of this process, which began at zero; kept are those looks only at which something was another."""

    def __init__(self, length_us: int, counters: int) -> None:
        self._length_us = length_us
        self._samples: list[tuple[int, tuple[float, ...]]] = [(0, (0.0,) * counters)]

    def grown(self, now_us: int, values: Sequence[float]) -> tuple[float, ...]:
        """Take what the counters are now, and return how much each grew within the window."""
        now = tuple(values)
        if now != self._samples[-1][1]:
            self._samples.append((now_us, now))
        # The newest that is older than the window is what it began with.
        while len(self._samples) > 1 and (self._samples[1][0] <= now_us - self._length_us or len(self._samples) > MOST_SAMPLES):
            del self._samples[0]
        return tuple(current - before for current, before in zip(now, self._samples[0][1], strict=True))
