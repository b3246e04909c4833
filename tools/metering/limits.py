"""Limits: how many requests and tokens in a minute, hour or day; in memory, each process for itself, or together (ASCEND_REDIS_URL).

They are the operator's words about callers, and ASCEND_RATE_LIMIT_SCALE, which is about guesses at the gateway's own doors, leaves them
alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.metering.limit_headers import LimitStanding, refusal_headers, standing_headers
from tools.metering.rules import LimitRule
from tools.metering.selection import Counted, Selections
from tools.metering.shared_windows import SharedPlace, SharedTake, SharedWindows
from tools.metering.sliding_window import Part, SlidingWindow
from tools.metering.spending import Spending
from tools.metering.windows import WINDOW_S

#: of one rule within one tenant: users are whatever callers say, and who invents some forgets only their own
MAX_WINDOWS = 5_000


@dataclass
class LimitExceeded(Exception):
    """A limit is used up; nothing was taken from any. `headers` go out with the answer."""

    headers: Mapping[str, str]
    message: str
    retry_after_s: float

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class LimitTicket:
    """What one call has taken. `headers` go out with its answer; none where no limit applies."""

    taken: tuple[tuple[SlidingWindow, Part], ...]
    tokens: int
    headers: Mapping[str, str]
    #: what was taken where all processes take
    shared: SharedTake | None = None


_FREE = LimitTicket((), 0, {})


class Limits:
    """The counters of this process. `rules`: what is in force now; `shared`: where all processes count together."""

    def __init__(
        self,
        rules: Callable[[], tuple[LimitRule, ...]],
        clock: Callable[[], float] = time.monotonic,
        shared: SharedWindows | None = None,
    ) -> None:
        self._rules, self._clock, self._shared = rules, clock, shared
        self._selections = Selections[LimitRule](())
        #: rule and tenant -> whose -> window, the longest unused first
        self._windows: dict[tuple[LimitRule, str], OrderedDict[str, SlidingWindow]] = {}

    async def take(self, spending: Spending, tokens: int) -> LimitTicket:
        """Take one request, and `tokens` that it may use at most, from every limit that applies, or from none. Raises LimitExceeded."""
        rules = self._rules()
        if self._selections.rules is not rules:
            self._selections = Selections(rules)
            known = set(rules)
            self._windows = {place: windows for place, windows in self._windows.items() if place[0] in known}
        counting = self._selections.counting(spending)
        if not counting:
            return _FREE
        if self._shared is not None:
            places = [SharedPlace(rule, counted.tenant_id, counted.whose, WINDOW_S[rule.per]) for rule, counted in counting]
            if (take := await self._shared.take(places, tokens)) is not None:
                return self._taken_together(counting, take, tokens)
        now = self._clock()
        standings = [self._standing(rule, counted, now) for rule, counted in counting]
        _refuse_the_full(counting, standings, now, tokens)
        taken = tuple((standing.window, standing.window.take(now, tokens)) for standing in standings)
        return LimitTicket(taken, tokens, standing_headers(standings, now, time.time()))

    def _taken_together(self, counting: Sequence[tuple[LimitRule, Counted]], take: SharedTake, tokens: int) -> LimitTicket:
        """Return what all processes together let pass. It is counted here too, for when nobody knows what the others took."""
        standings = [LimitStanding(rule, window) for (rule, _counted), window in zip(counting, take.windows, strict=True)]
        if not take.is_taken:
            _refuse_the_full(counting, standings, take.now, tokens)
        now = self._clock()
        here = [self._standing(rule, counted, now).window for rule, counted in counting]
        taken = tuple((window, window.take(now, tokens)) for window in here)
        return LimitTicket(taken, tokens, standing_headers(standings, take.now, time.time()), take)

    def settle(self, ticket: LimitTicket, tokens: int) -> None:
        """Count the tokens that were really used instead of those that were taken."""
        if ticket.tokens != tokens:
            for window, part in ticket.taken:
                window.correct(part, tokens - ticket.tokens)
            if ticket.shared is not None and self._shared is not None:
                self._shared.correct(ticket.shared, tokens - ticket.tokens)

    def _standing(self, rule: LimitRule, counted: Counted, now: float) -> LimitStanding:
        windows = self._windows.setdefault((rule, counted.tenant_id), OrderedDict())
        window = windows.get(counted.whose)
        if window is None:
            window = windows[counted.whose] = SlidingWindow(WINDOW_S[rule.per])
            if len(windows) > MAX_WINDOWS:
                windows.popitem(last=False)
        else:
            windows.move_to_end(counted.whose)
        window.move_to(now)
        return LimitStanding(rule, window)


def _refuse_the_full(counting: Sequence[tuple[LimitRule, Counted]], standings: Sequence[LimitStanding], now: float, tokens: int) -> None:
    for (rule, counted), standing in zip(counting, standings, strict=True):
        wait_s = standing.wait_s(now, tokens)
        if wait_s > 0:
            headers = refusal_headers(standing, standings, now, wait_s, time.time())
            raise LimitExceeded(headers, _refusal(rule, counted, wait_s), wait_s)


def _refusal(rule: LimitRule, counted: Counted, wait_s: float) -> str:
    counted_by = (("request", rule.requests), ("token", rule.tokens))
    limits = [f"{most:,} {unit}{'s' if most != 1 else ''}" for unit, most in counted_by if most is not None]
    whose = f" of {counted.whose}" if counted.whose else ""
    return f"the limit of {' and '.join(limits)} a {rule.per}{whose} is used up; wait {wait_s:.3g} s"
