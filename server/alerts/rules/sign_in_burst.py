"""Many sign-ins that failed, within minutes: somebody guesses."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from server.alerts.rule import MINUTE_US, Condition, RuleKind
from server.config_versions.sections.alerts import BurstSettings
from server.storage.alerts.figures import Counted


class FailedSignIns(Protocol):
    async def failed_sign_ins(self, since_us: int) -> Sequence[Counted]: ...


class SignInBurst:
    kind: ClassVar = RuleKind(
        "sign-in-burst", "warning", "`ascend audit events` says from which address and for whom; attempts are limited already"
    )

    def __init__(self, events: FailedSignIns, settings: Callable[[], BurstSettings]) -> None:
        self._events, self._settings = events, settings

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        settings = self._settings()
        return [
            Condition(f"{each.count:,} sign-ins failed within {settings.minutes} minutes", {"tenant": each.tenant_id or "(unknown)"})
            for each in await self._events.failed_sign_ins(now_us - settings.minutes * MINUTE_US)
            if each.count >= settings.at_least
        ]
