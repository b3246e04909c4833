"""Service level objectives: what is promised, what is left to spend on failures, and how fast that goes.

Burn rates over several windows as in "The Site Reliability Workbook", chapter 5: at a rate of 1 the budget of 30 days lasts 30 days.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.admin.figures import FAILED
from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.history.tables import BUCKETS_MS
from server.storage.history.trends import CallStep, HistoryTrends, Steps

WINDOW_DAYS = 30
#: hours -> the burn rate at which somebody has to act: 2 % of the budget in an hour, 5 % in six, 10 % in three days
WINDOWS = ((1, 14.4), (6, 6.0), (72, 1.0))
KEPT_US, MAX_KEPT = 30 * 1_000_000, 200
FAST_MS = 1_000
_FAST = BUCKETS_MS.index(FAST_MS) + 1


@dataclass(frozen=True, slots=True)
class Objective:
    """`target`: the share of calls that are to be good. `bad`: how many of a step's calls are not."""

    name: str
    title: str
    target: float
    promise: str
    bad: Callable[[CallStep], int]


OBJECTIVES = (
    Objective(
        "answered",
        "Calls are answered",
        0.995,
        "of calls fail neither by the gateway nor by an upstream",
        lambda step: step.calls if step.error_class in FAILED else 0,
    ),
    Objective(
        "sound",
        "The gateway is sound",
        0.999,
        "of calls do not fail by the gateway itself",
        lambda step: step.calls if step.error_class == "ours" else 0,
    ),
    Objective(
        "fast",
        "Answers are fast",
        0.95,
        f"of calls take at most {FAST_MS // 1_000} s, the upstream's time included",
        lambda step: step.calls - sum(step.buckets[:_FAST]),
    ),
)


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget went within `hours`, as a multiple of what 30 days allow; None: there were no calls."""

    hours: int
    rate: float | None
    alarm: float

    @property
    def is_too_fast(self) -> bool:
        return self.rate is not None and self.rate > self.alarm


@dataclass(frozen=True, slots=True)
class Standing:
    """How an objective stands. `good`: the share over 30 days; `left`: of the budget, below 0 where it is overspent; by day: `course`."""

    objective: Objective
    good: float | None
    left: float | None
    burns: Sequence[Burn]
    steps: Steps
    course: Sequence[float | None]

    @property
    def state(self) -> str:
        """Say it in a word: spent, burning, kept, or idle where there were no calls."""
        if self.left is None:
            return "idle"
        if self.left < 0:
            return "spent"
        return "burning" if any(burn.is_too_fast for burn in self.burns) else "kept"


class ObjectiveReader:
    """What it read is good for KEPT_US: the dashboards of a dozen people cost one look, and a budget of 30 days goes no faster."""

    def __init__(self, trends: HistoryTrends) -> None:
        self._trends = trends
        #: tenant -> when it was read, and what
        self._kept: dict[str | None, tuple[int, Sequence[Standing]]] = {}

    async def standings(self, now_us: int, tenant_id: str | None) -> Sequence[Standing]:
        """Return how each objective stands, in whole hours and days, the present ones included; `tenant_id` None: of all tenants."""
        read_us, standings = self._kept.get(tenant_id, (0, ()))
        if not read_us <= now_us < read_us + KEPT_US:
            standings = await self._read(now_us, tenant_id)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[tenant_id] = now_us, standings
        return standings

    async def _read(self, now_us: int, tenant_id: str | None) -> Sequence[Standing]:
        days = Steps((now_us // DAY_US - WINDOW_DAYS + 1) * DAY_US, now_us, DAY_US)
        longest = WINDOWS[-1][0]
        hours = Steps((now_us // HOUR_US - longest + 1) * HOUR_US, now_us, HOUR_US)
        by_day, by_hour = await self._trends.calls(days, tenant_id), await self._trends.calls(hours, tenant_id)
        return [_standing(objective, days, by_day, hours, by_hour) for objective in OBJECTIVES]


def _standing(objective: Objective, days: Steps, by_day: Sequence[CallStep], hours: Steps, by_hour: Sequence[CallStep]) -> Standing:
    calls, bad = _sums(objective, by_day)
    burns = []
    for length, alarm in WINDOWS:
        first = len(hours.moments) - length
        asked, failed = _sums(objective, [step for step in by_hour if step.place >= first])
        burns.append(Burn(length, failed / asked / (1 - objective.target) if asked else None, alarm))
    left = 1 - bad / (calls * (1 - objective.target)) if calls else None
    return Standing(objective, 1 - bad / calls if calls else None, left, burns, days, _course(objective, days, by_day, calls))


def _course(objective: Objective, days: Steps, by_day: Sequence[CallStep], calls: int) -> Sequence[float | None]:
    """Return what was left of the whole budget after each day."""
    if not calls:
        return [None] * len(days.moments)
    spent = [0] * len(days.moments)
    for step in by_day:
        spent[step.place] += objective.bad(step)
    allowed, course, so_far = calls * (1 - objective.target), [], 0
    for each in spent:
        so_far += each
        course.append(max(0.0, 1 - so_far / allowed))
    return course


def _sums(objective: Objective, steps: Sequence[CallStep]) -> tuple[int, int]:
    return sum(step.calls for step in steps), sum(map(objective.bad, steps))
