"""Somebody became an administrator, or is none any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, Protocol

from server.alerts.rule import MINUTE_US, Condition, RuleKind
from server.storage.alerts.figures import RoleChange

#: how long a change is an alert; long enough to be told, whichever node looks
SHOWN_US = 15 * MINUTE_US


class RoleChanges(Protocol):
    async def role_changes(self, since_us: int) -> Sequence[RoleChange]: ...


class RoleChanged:
    kind: ClassVar = RuleKind(
        "role-changed", "critical", "`ascend audit events` says who did it; `ascend admin list` who may do what now", tells_end=False
    )

    def __init__(self, changes: RoleChanges) -> None:
        self._changes = changes

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(
                f"{each.actor}: {each.action} {each.target}".rstrip(),
                {"tenant": each.tenant_id or "(gateway)", "at": f"{datetime.fromtimestamp(each.at_us / 1e6, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"},
            )
            for each in await self._changes.role_changes(now_us - SHOWN_US)
        ]
