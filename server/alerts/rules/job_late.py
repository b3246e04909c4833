"""Schedules whose slot was not taken in time, or whose predecessor still runs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from server.alerts.rule import Condition, RuleKind


@dataclass(frozen=True, slots=True)
class LateJob:
    """`late_s`: since its slot; `period_s`: between two slots, None where nobody can say."""

    tenant_id: str
    name: str
    late_s: float
    period_s: float | None
    why: str


class JobLate:
    kind: ClassVar = RuleKind(
        "job-late",
        "warning",
        "`ascend schedule runs NAME --tenant NAME` says what became of its slots; is a gateway running that takes them?",
    )

    def __init__(self, late: Callable[[], Awaitable[Sequence[LateJob]]], periods: Callable[[], float]) -> None:
        self._late, self._periods = late, periods

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        # A slot is due one period after the one before: half a period later, one and a half have passed without it.
        beyond = self._periods() - 1
        return [
            Condition(f"{each.name} is {_shown(each.late_s)} late: {each.why}", {"tenant": each.tenant_id, "schedule": each.name})
            for each in await self._late()
            if each.period_s is None or each.late_s > beyond * each.period_s
        ]


def _shown(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
