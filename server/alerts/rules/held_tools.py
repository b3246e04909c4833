"""Tools of upstream servers that wait for somebody's decision."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from server.alerts.rule import DAY_US, Condition, RuleKind
from server.storage.alerts.figures import Counted


class Held(Protocol):
    async def held_before(self, time_us: int) -> Sequence[Counted]: ...


class HeldTools:
    kind: ClassVar = RuleKind(
        "held-tools", "warning", "`ascend import review` shows what changed; accept it, or leave it out", every_s=300.0
    )

    def __init__(self, held: Held, days: Callable[[], int]) -> None:
        self._held, self._days = held, days

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(
                f"{each.count} tool{'s' if each.count > 1 else ''} of {each.about} held for {(now_us - each.first_at_us) // DAY_US} days",
                {"tenant": each.tenant_id or "(shared)", "provider": each.about},
            )
            for each in await self._held.held_before(now_us - self._days() * DAY_US)
        ]
