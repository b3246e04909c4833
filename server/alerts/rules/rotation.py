"""Secrets that people put there by hand, and data keys, that are the same for too long."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from server.alerts.rule import DAY_US, Condition, RuleKind
from server.storage.oauth.secret_ages import SecretAge


class Rotation:
    kind: ClassVar = RuleKind(
        "rotation", "warning", "`ascend vault put NAME` takes a new secret in, `ascend vault rotate` makes new data keys", every_s=3_600.0
    )

    def __init__(self, ages: Callable[[], Awaitable[Sequence[SecretAge]]], days: Callable[[], int]) -> None:
        self._ages, self._days = ages, days

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        before_us = now_us - self._days() * DAY_US
        return [
            Condition(
                f"{_named(each)} is {(now_us - each.since_us) // DAY_US} days old",
                {"tenant": each.tenant_id or "(shared)", "secret": _named(each)},
            )
            for each in sorted(await self._ages(), key=lambda each: each.since_us)
            if each.since_us < before_us
        ]


def _named(age: SecretAge) -> str:
    """A data key has an id that is another one after it was rotated, and its tenant has one."""
    return age.kind if age.kind == "data key" else f"{age.kind} {age.name}"
