"""How often a user, or an address where nobody is known, may ask: by route, and by plan; in windows that slide.

In memory, each process for itself: of N processes a caller may get N times as much.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from server.config_versions.sections.rate import Rate
from server.edge.incoming import Incoming
from server.edge.refusals import EdgeRefused
from server.edge.route import Route
from server.rate_limits import address_key
from tools.egress.relay_answer import Fields
from tools.metering.sliding_window import SlidingWindow

#: the longest unused go first
MAX_WINDOWS: Final = 100_000


class _Counted(NamedTuple):
    """One limit that a request falls under: what it is called, whose, how much."""

    policy: str
    key: tuple[str, str]
    rate: Rate


class RateWindows:
    """`hourly`: requests an hour of a plan by its name, None where they are not counted (`[plans]` of the configuration)."""

    def __init__(self, hourly: Callable[[str], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._hourly, self._clock = hourly, clock
        self._windows: OrderedDict[tuple[str, str, int], SlidingWindow] = OrderedDict()

    def take(self, route: Route, request: Incoming) -> Fields:
        """Take one from every limit that applies, or from none; return what the answer says of them. Raises EdgeRefused: 429."""
        counted = self._counted(route, request)
        if not counted:
            return []
        now = self._clock()
        windows = [self._window(each, now) for each in counted]
        for each, window in zip(counted, windows, strict=True):
            if window.requests >= each.rate.requests:
                wait_s = max(1, math.ceil(window.wait_s(now, window.requests + 1 - each.rate.requests, 0)))
                fields = _fields(counted, windows, now, each)
                raise _refused(each, request, wait_s, fields)
        for window in windows:
            window.take(now, 0)
        tightest = min(zip(counted, windows, strict=True), key=lambda pair: 1 - pair[1].requests / pair[0].rate.requests)[0]
        return _fields(counted, windows, now, tightest)

    def __len__(self) -> int:
        return len(self._windows)

    def _counted(self, route: Route, request: Incoming) -> list[_Counted]:
        found = []
        whose = request.user_id or address_key(request.client)
        if not route.config.limit.is_off:
            found.append(_Counted("endpoint", (route.label, whose), route.config.limit))
        if request.user_id and (hourly := self._hourly(request.plan)) is not None:
            found.append(_Counted("plan", ("", whose), Rate(hourly, 3_600)))
        return found

    def _window(self, counted: _Counted, now: float) -> SlidingWindow:
        place = (*counted.key, counted.rate.window_s)
        window = self._windows.get(place)
        if window is None:
            window = self._windows[place] = SlidingWindow(counted.rate.window_s)
            if len(self._windows) > MAX_WINDOWS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(place)
        window.move_to(now)
        return window


def _fields(counted: list[_Counted], windows: list[SlidingWindow], now: float, told: _Counted) -> Fields:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11; the older ones are about `told` alone."""
    policies, standings = [], []
    fields: Fields = []
    for each, window in zip(counted, windows, strict=True):
        left, reset_s = max(0, each.rate.requests - window.requests), math.ceil(window.reset_s(now))
        policies.append(f'"{each.policy}";q={each.rate.requests};w={each.rate.window_s}')
        standings.append(f'"{each.policy}";r={left};t={reset_s}')
        if each is told:
            fields += [
                (b"x-ratelimit-limit", b"%d" % each.rate.requests),
                (b"x-ratelimit-remaining", b"%d" % left),
                (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + reset_s)),
            ]
    return [(b"ratelimit-policy", ", ".join(policies).encode()), (b"ratelimit", ", ".join(standings).encode()), *fields]


def _refused(counted: _Counted, request: Incoming, wait_s: int, fields: Fields) -> EdgeRefused:
    rate = counted.rate
    said = f"{rate.requests:,} requests in {rate.window_s:,} s are the most here; wait {wait_s} s"
    if counted.policy == "plan":
        plan = f"the plan {request.plan!r}" if request.plan else "this plan"
        said = f"{plan} has {rate.requests:,} requests an hour; wait {wait_s} s, or take a larger one"
    details = {"retryAfter": wait_s, "limit": rate.requests, "window": rate.window_s}
    headers = {name.decode(): value.decode() for name, value in fields}
    return EdgeRefused(429, "rate_limited", said, {"retry-after": str(wait_s), **headers}, details)
