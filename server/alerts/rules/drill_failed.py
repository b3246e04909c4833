"""The newest backup could not be restored aside, or nobody could try it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from server.alerts.rule import Condition, RuleKind

#: (finding's words), or None where the last drill went well or there was none
LastDrill = Callable[[], Awaitable[str | None]]


class DrillFailed:
    kind: ClassVar = RuleKind(
        "drill-failed", "critical", "make another with `ascend backup create`, and try that with `ascend backup drill`", every_s=300.0
    )

    def __init__(self, last_drill: LastDrill) -> None:
        self._last_drill = last_drill

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        failure = await self._last_drill()
        return [] if failure is None else [Condition(f"the last drill failed: {failure}")]
