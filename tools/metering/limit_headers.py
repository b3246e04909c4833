"""What a caller is told of its limits: Retry-After, X-RateLimit-*, RateLimit, RateLimit-Policy.

The last two are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from tools.metering.rules import LimitRule
from tools.metering.sliding_window import SlidingWindow
from tools.metering.windows import WINDOW_S


@dataclass(frozen=True, slots=True)
class LimitStanding:
    """One limit and how much of it is used."""

    rule: LimitRule
    window: SlidingWindow

    @property
    def name(self) -> str:
        """What the policy is called: what it selects by and its window. One header names each once."""
        selectors = [each.name for each in fields(self.rule.of) if getattr(self.rule.of, each.name)]
        return "-".join([*selectors, self.rule.per])

    def wait_s(self, now: float, tokens: int) -> float:
        """Return how long a request with so many tokens has to wait; 0 where it fits."""
        rule, window = self.rule, self.window
        requests = 0 if rule.requests is None else window.requests + 1 - rule.requests
        # What is larger than the whole limit fits into an empty window: how much it really uses nobody knows yet.
        over = 0 if rule.tokens is None else window.tokens + min(tokens, rule.tokens) - rule.tokens
        if requests <= 0 and over <= 0:
            return 0.0
        return max(0.001, window.wait_s(now, requests, over))

    def quotas(self) -> list[tuple[str, str, int, int]]:
        """Return name, unit, quota and what is left of it, for requests and for tokens."""
        rule, window, found = self.rule, self.window, list[tuple[str, str, int, int]]()
        if rule.requests is not None:
            found.append((self.name, "requests", rule.requests, max(0, rule.requests - window.requests)))
        if rule.tokens is not None:
            found.append((f"{self.name}-tokens", "tokens", rule.tokens, max(0, rule.tokens - window.tokens)))
        return found


def standing_headers(standings: Sequence[LimitStanding], now: float, epoch_s: float) -> dict[str, str]:
    """Return the headers of an answer; X-RateLimit-* are about the limit of which the least is left."""
    tightest = min(standings, key=lambda each: min(left / max(1, quota) for _name, _unit, quota, left in each.quotas()))
    return _headers(standings, now) | _legacy(tightest, tightest.window.reset_s(now), epoch_s)


def refusal_headers(full: LimitStanding, standings: Sequence[LimitStanding], now: float, wait_s: float, epoch_s: float) -> dict[str, str]:
    """Return the headers of a refusal because of `full`."""
    # SDKs look at milliseconds first; whole seconds are rounded up, or the retry comes too early.
    retry = {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(math.ceil(wait_s * 1_000))}
    return retry | _headers(standings, now) | _legacy(full, wait_s, epoch_s) | {"x-ratelimit-remaining": "0"}


def _headers(standings: Sequence[LimitStanding], now: float) -> dict[str, str]:
    policies, limits = [], []
    for standing in standings:
        reset_s = math.ceil(standing.window.reset_s(now))
        for name, unit, quota, left in standing.quotas():
            policies.append(f'"{name}";q={quota};qu="{unit}";w={WINDOW_S[standing.rule.per]}')
            limits.append(f'"{name}";r={left};t={reset_s}')
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(limits)}


def _legacy(standing: LimitStanding, reset_s: float, epoch_s: float) -> dict[str, str]:
    _name, _unit, quota, left = min(standing.quotas(), key=lambda each: each[3] / max(1, each[2]))
    return {
        "x-ratelimit-limit": str(quota),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(math.ceil(epoch_s + reset_s)),
    }
