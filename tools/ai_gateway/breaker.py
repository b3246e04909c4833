"""A target that keeps failing is left alone for a while, then tried with one call, and taken back when that goes well.

Counted by target and key: one model's failures say nothing of another, and one tenant's exhausted key nothing of another's.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.ai_gateway.configuration.config import BreakerRule

#: target, key
Circuit = tuple[str, str]
#: is told of a circuit that opened here for so many seconds, or (0) closed again
Told = Callable[[Circuit, float], None]
MAX_CIRCUITS = 10_000


@dataclass(slots=True)
class _State:
    failures: deque[float] = field(default_factory=deque)
    #: closed while None
    open_until: float | None = None
    #: when the one call that may try again was let through; None: none is under way
    probing_since: float | None = None


class Breakers:
    """The circuits of this process. `rule` is asked each time: a new configuration holds at once.

    `told` hears what opens and closes here; what opens and closes at other nodes comes in by `heard`. Each node tries again by itself.
    """

    def __init__(
        self, rule: Callable[[], BreakerRule], clock: Callable[[], float] = time.monotonic, told: Told = lambda circuit, open_s: None
    ) -> None:
        self._rule, self._clock, self._told = rule, clock, told
        #: only of targets that failed lately
        self._states: dict[Circuit, _State] = {}

    def admits(self, circuit: Circuit) -> bool:
        """Say whether a call may go there; of an open circuit whose time is over exactly one is let through."""
        state = self._states.get(circuit)
        if state is None or state.open_until is None:
            return True
        now = self._clock()
        if now < state.open_until:
            return False
        # A probe whose caller vanished without a word must not keep the circuit open for ever.
        if state.probing_since is not None and now < state.probing_since + self._rule().window_s:
            return False
        state.probing_since = now
        return True

    def succeeded(self, circuit: Circuit) -> None:
        """Close the circuit."""
        state = self._states.pop(circuit, None)
        if state is not None and state.open_until is not None:
            self._told(circuit, 0)

    def failed(self, circuit: Circuit) -> None:
        """Count a failure of the provider; enough of them within the window open the circuit, and so does a failed probe."""
        rule, now = self._rule(), self._clock()
        state = self._known(circuit, now)
        was_probe = state.probing_since is not None
        state.probing_since = None
        state.failures.append(now)
        while state.failures and state.failures[0] < now - rule.window_s:
            state.failures.popleft()
        if was_probe or len(state.failures) >= rule.failures:
            state.open_until = now + rule.open_s
            state.failures.clear()
            self._told(circuit, rule.open_s)

    def heard(self, circuit: Circuit, open_s: float) -> None:
        """Take in that another node opened a circuit for so long, or (0) closed it."""
        if open_s <= 0:
            self._states.pop(circuit, None)
            return
        now = self._clock()
        state = self._known(circuit, now)
        state.open_until, state.probing_since = max(state.open_until or 0.0, now + open_s), None
        state.failures.clear()

    def abandoned(self, circuit: Circuit) -> None:
        """A call ended without telling anything of the provider (the caller left, or asked wrongly): the next may probe."""
        if (state := self._states.get(circuit)) is not None:
            state.probing_since = None

    def opens_in_s(self, circuit: Circuit) -> float:
        """Return how long until a call may try again; 0 where one may now."""
        state = self._states.get(circuit)
        return 0 if state is None or state.open_until is None else max(0.0, state.open_until - self._clock())

    def open_targets(self) -> dict[str, float]:
        """Return the targets that are left alone with any of their keys, and in how many seconds a call may try again."""
        found: dict[str, float] = {}
        for circuit, state in self._states.items():
            if state.open_until is not None:
                found[circuit[0]] = max(found.get(circuit[0], 0.0), self.opens_in_s(circuit))
        return found

    def _known(self, circuit: Circuit, now: float) -> _State:
        state = self._states.get(circuit)
        if state is None:
            if len(self._states) >= MAX_CIRCUITS:
                self._forget(now)
            state = self._states[circuit] = _State()
        return state

    def _forget(self, now: float) -> None:
        """Forget those that are not open, else the oldest: they are counted anew."""
        kept = {circuit: state for circuit, state in self._states.items() if state.open_until is not None and state.open_until > now}
        self._states = dict(list(kept.items())[MAX_CIRCUITS // 10 :]) if len(kept) >= MAX_CIRCUITS else kept
