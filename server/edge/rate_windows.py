"""How often a user, or an address where nobody is known, may ask: by route, and by plan; in windows that slide.

Where nodes share a Redis, all take from the same windows; else each process counts for itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from oauth.tenants import DEFAULT_TENANT
from server.edge.incoming import Incoming
from server.edge.refusals import EdgeRefused
from server.edge.route import Route
from server.rate_limits import address_key
from tools.egress.relay_answer import Fields
from tools.metering.shared_windows import SharedPlace, SharedWindows
from tools.metering.sliding_window import SlidingWindow

#: the longest unused go first
MAX_WINDOWS: Final = 100_000
#: tokens that are no good, of an address in a minute: each costs a signature, and no other limit counts it. Of one process.
MAX_GUESSES: Final = 100
# decision 0018: reading an address takes longer than counting it.
_address_key = lru_cache(maxsize=10_000)(address_key)


@dataclass(frozen=True, slots=True)
class EdgeRule:
    """A `SharedRule`: of a route, or of all (""), where it is a plan's."""

    route: str
    requests: int
    window_s: int
    tokens: None = None


class _Counted(NamedTuple):
    """One limit that a request falls under: what it is called, whose, how much."""

    policy: str
    whose: str
    rule: EdgeRule


#: no route is called so
_GUESSES: Final = EdgeRule(" tokens", MAX_GUESSES, 60)


class RateWindows:
    """`hourly`: requests an hour of a plan by its name, None where they are not counted (`[plans]` of the configuration)."""

    def __init__(
        self, hourly: Callable[[str], int | None], shared: SharedWindows | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hourly, self._shared, self._clock = hourly, shared, clock
        self._windows: OrderedDict[tuple[EdgeRule, str], SlidingWindow] = OrderedDict()

    async def take(self, route: Route, request: Incoming) -> Fields:
        """Take one from every limit that applies, or from none; return what the answer says of them. Raises EdgeRefused: 429."""
        counted = self._counted(route, request)
        if not counted:
            return []
        now = self._clock()
        here = [self._window(each, now) for each in counted]
        if self._shared is not None:
            places = [SharedPlace(each.rule, DEFAULT_TENANT, each.whose, each.rule.window_s) for each in counted]
            if (take := await self._shared.take(places, 0)) is not None:
                if not take.is_taken:
                    _refuse_the_full(counted, take.windows, take.now, request)
                # Counted here too, for when nobody knows what the others took.
                for window in here:
                    window.take(now, 0)
                return _standing(counted, take.windows, take.now)
        _refuse_the_full(counted, here, now, request)
        for window in here:
            window.take(now, 0)
        return _standing(counted, here, now)

    def refuse_guesses(self, request: Incoming) -> None:
        """Raises EdgeRefused (429) where too many tokens that came from this address lately were no good; takes nothing."""
        now, guesses = self._clock(), _guesses(request)
        if (guesses.rule, guesses.whose) in self._windows:
            _refuse_the_full([guesses], [self._window(guesses, now)], now, request)

    def count_guess(self, request: Incoming) -> None:
        """Count a token that was no good."""
        now = self._clock()
        self._window(_guesses(request), now).take(now, 0)

    def __len__(self) -> int:
        return len(self._windows)

    def _counted(self, route: Route, request: Incoming) -> list[_Counted]:
        found = []
        whose = request.user_id or _address_key(request.client)
        limit = route.config.limit
        if not limit.is_off:
            found.append(_Counted("endpoint", whose, EdgeRule(route.label, limit.requests, limit.window_s)))
        if request.user_id and (hourly := self._hourly(request.plan)) is not None:
            found.append(_Counted("plan", whose, EdgeRule("", hourly, 3_600)))
        return found

    def _window(self, counted: _Counted, now: float) -> SlidingWindow:
        place = (counted.rule, counted.whose)
        window = self._windows.get(place)
        if window is None:
            window = self._windows[place] = SlidingWindow(counted.rule.window_s)
            if len(self._windows) > MAX_WINDOWS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(place)
        window.move_to(now)
        return window


def _guesses(request: Incoming) -> _Counted:
    return _Counted("tokens", _address_key(request.client), _GUESSES)


def _refuse_the_full(counted: Sequence[_Counted], windows: Sequence[SlidingWindow], now: float, request: Incoming) -> None:
    """Raises EdgeRefused where one has no room."""
    for each, window in zip(counted, windows, strict=True):
        if window.requests >= each.rule.requests:
            wait_s = max(1, math.ceil(window.wait_s(now, window.requests + 1 - each.rule.requests, 0)))
            raise _refused(each, request, wait_s, _fields(counted, windows, now, each))


def _standing(counted: Sequence[_Counted], windows: Sequence[SlidingWindow], now: float) -> Fields:
    tightest = min(zip(counted, windows, strict=True), key=lambda pair: 1 - pair[1].requests / pair[0].rule.requests)[0]
    return _fields(counted, windows, now, tightest)


def _fields(counted: Sequence[_Counted], windows: Sequence[SlidingWindow], now: float, told: _Counted) -> Fields:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11; the older ones are about `told` alone."""
    policies, standings = [], []
    fields: Fields = []
    for each, window in zip(counted, windows, strict=True):
        left, reset_s = max(0, each.rule.requests - window.requests), math.ceil(window.reset_s(now))
        policies.append(f'"{each.policy}";q={each.rule.requests};w={each.rule.window_s}')
        standings.append(f'"{each.policy}";r={left};t={reset_s}')
        if each is told:
            fields += [
                (b"x-ratelimit-limit", b"%d" % each.rule.requests),
                (b"x-ratelimit-remaining", b"%d" % left),
                (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + reset_s)),
            ]
    return [(b"ratelimit-policy", ", ".join(policies).encode()), (b"ratelimit", ", ".join(standings).encode()), *fields]


def _refused(counted: _Counted, request: Incoming, wait_s: int, fields: Fields) -> EdgeRefused:
    rate = counted.rule
    said = f"{rate.requests:,} requests in {rate.window_s:,} s are the most here; wait {wait_s} s"
    if counted.policy == "tokens":
        said = f"too many tokens from this address were no good; wait {wait_s} s, and bring one that is"
    elif counted.policy == "plan":
        plan = f"the plan {request.plan!r}" if request.plan else "this plan"
        said = f"{plan} has {rate.requests:,} requests an hour; wait {wait_s} s, or take a larger one"
    details = {"retryAfter": wait_s, "limit": rate.requests, "window": rate.window_s}
    headers = {name.decode(): value.decode() for name, value in fields}
    return EdgeRefused(429, "rate_limited", said, {"retry-after": str(wait_s), **headers}, details)
