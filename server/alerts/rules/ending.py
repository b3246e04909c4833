"""Secrets, service principals and static tokens that stop working soon."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from server.alerts.rule import DAY_US, Condition, RuleKind


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that somebody depends on, and when it ends; `kind`: secret, service, static tokens."""

    kind: str
    name: str
    tenant_id: str
    ends_at_us: int


class EndingSoon:
    """What has ended is told for as long again: whoever depends on it notices."""

    kind: ClassVar = RuleKind("ending", "warning", "renew it, or move whoever uses it to something that lasts", every_s=300.0)

    def __init__(self, endings: Callable[[], Awaitable[Sequence[Ending]]], days: Callable[[], int]) -> None:
        self._endings, self._days = endings, days

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        within_us = self._days() * DAY_US
        return [
            Condition(
                f"{each.kind} {each.name} {'ended' if each.ends_at_us <= now_us else 'end' if each.kind.endswith('s') else 'ends'} "
                f"on {datetime.fromtimestamp(each.ends_at_us / 1e6, UTC):%Y-%m-%d}".replace("  ", " "),
                {"tenant": each.tenant_id, "kind": each.kind, "name": each.name},
            )
            for each in await self._endings()
            if -within_us <= each.ends_at_us - now_us <= within_us
        ]
