"""No backup for longer than one each week would be."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from server.alerts.rule import DAY_US, Condition, RuleKind


class BackupOld:
    """Asks only where backups were set up: without keys there is none, and `ascend doctor` says so."""

    kind: ClassVar = RuleKind(
        "backup-old", "critical", "`ascend backup create` makes one; `ascend schedule runs backup` says why none came", every_s=300.0
    )

    def __init__(self, newest_us: Callable[[], Awaitable[int | None]], days: Callable[[], int]) -> None:
        """`newest_us`: when the newest backup was made, or the keys for the first one; None: nobody set backups up."""
        self._newest_us, self._days = newest_us, days

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        newest_us = await self._newest_us()
        if newest_us is None or now_us - newest_us <= self._days() * DAY_US:
            return []
        return [Condition(f"no backup for {(now_us - newest_us) // DAY_US} days")]
