"""What a run in hand is doing: steps under way, waits, and why it is to stop."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import anyio

from tools.workflows.engine.records import Ending

#: cancelled: somebody asked for it; lost: another process has it; idle: it only waits; making_way: others wait for its place;
#: shutdown: this process ends
Why = Literal["cancelled", "lost", "idle", "making_way", "shutdown"]


class Activity:
    """A run stops between steps: what is under way ends and is recorded first, except where the run is lost or time is over."""

    def __init__(self) -> None:
        #: around the body; shielded, because a process that ends lets steps end
        self.scope = anyio.CancelScope(shield=True)
        self.why: Why | Ending | None = None
        #: by the monotonic clock
        self.taken_at = time.monotonic()
        self._steps = 0
        #: step -> when it goes on, and the signal that it goes on by
        self._waits: dict[str, tuple[int, str | None]] = {}
        self._changed = anyio.Event()
        self._poked = anyio.Event()
        #: how often it was told that there may be a signal
        self.pokes = 0
        #: of a run that was put down: until when, and for which signals
        self.put_down_until_us = math.inf
        self.put_down_for: frozenset[str] = frozenset()

    def stop(self, why: Why | Ending, *, at_once: bool = False) -> None:
        """Have the body go no further; the first reason counts."""
        if self.why is None:
            self.why = why
        if at_once or not self._steps:
            self.scope.cancel()

    async def go_on(self) -> None:
        """Return where the run may begin its next step; else never."""
        if self.why is not None:
            await anyio.sleep_forever()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Count a step, or a record of one, as under way."""
        self._steps += 1
        self._note()
        try:
            yield
        finally:
            self._steps -= 1
            self._note()
            if self.why is not None and not self._steps:
                self.scope.cancel()

    @contextmanager
    def waiting(self, step: str, wakes_at_us: int, signal: str | None) -> Iterator[None]:
        self._waits[step] = (wakes_at_us, signal)
        self._note()
        try:
            yield
        finally:
            del self._waits[step]
            self._note()

    def poke(self) -> None:
        """Have waits for signals look again."""
        self.pokes += 1
        self._poked.set()
        self._poked = anyio.Event()

    async def poked(self) -> None:
        await self._poked.wait()

    def put_down(self) -> None:
        """Stop a run that only waits, and note what for: its waits end with its body."""
        self.put_down_until_us = self.wakes_at_us
        self.put_down_for = frozenset(signal for _at_us, signal in self._waits.values() if signal is not None)
        self.stop("idle")

    @property
    def is_idle(self) -> bool:
        return not self._steps and bool(self._waits)

    @property
    def wakes_at_us(self) -> float:
        """The earliest time at which it goes on of its own accord."""
        return min((at_us for at_us, _signal in self._waits.values()), default=math.inf)

    async def changed(self) -> None:
        """Return when a step or a wait begins or ends."""
        await self._changed.wait()

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
