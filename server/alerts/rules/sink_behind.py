"""Log sinks that do not take what they are sent."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from server.alerts.rule import HOUR_US, MINUTE_US, Condition, RuleKind
from server.storage.history.sink_cursors import SinkCursor


class SinkBehind:
    kind: ClassVar = RuleKind(
        "sink-behind",
        "warning",
        "`/admin/sinks` has its last error; rows are sent once it takes them, unless `retention` removes them before",
    )

    def __init__(self, cursors: Callable[[], Awaitable[Sequence[SinkCursor]]], hours: Callable[[], float]) -> None:
        """`cursors`: of the sinks that are configured."""
        self._cursors, self._hours = cursors, hours

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(_said(each, now_us - each.behind_since_us), {"sink": each.sink, "stream": each.stream})
            for each in await self._cursors()
            if each.behind_since_us and now_us - each.behind_since_us > self._hours() * HOUR_US
        ]


def _said(cursor: SinkCursor, behind_us: int) -> str:
    length = f"{behind_us // MINUTE_US} min" if behind_us < 2 * HOUR_US else f"{behind_us // HOUR_US} h"
    why = f": {cursor.error}" if cursor.failures and cursor.error else ""
    return f"{cursor.stream} for {cursor.sink} have waited for {length}{why}"
