"""Secrets that somebody put there by hand, and data keys, that are the same for too long."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from server.alerts.rules.rule import DAY_US, Condition, RuleKind
from server.storage.alerts.figures import Counted


class OldSecrets(Protocol):
    async def secrets_before(self, time_us: int) -> Sequence[Counted]: ...


class Rotation:
    kind: ClassVar = RuleKind(
        "rotation", "warning", "`ascend vault put NAME` takes a new secret in, `ascend vault rotate` makes new data keys", every_s=3_600.0
    )

    def __init__(self, secrets: OldSecrets, days: Callable[[], int]) -> None:
        self._secrets, self._days = secrets, days

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(
                f"{each.about} is {(now_us - each.first_at_us) // DAY_US} days old",
                {"tenant": each.tenant_id or "(shared)", "secret": each.about},
            )
            for each in await self._secrets.secrets_before(now_us - self._days() * DAY_US)
        ]
