"""Answers that all processes keep together, as a Protocol; `server/storage` keeps the promise."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """What was found. `generation`: how often the group was forgotten; what was kept before the last time is not found."""

    generation: int
    value: bytes | None = field(repr=False)


class SharedAnswers(Protocol):
    """Values are others' data: whoever keeps the promise lets nobody read them there, and lets them go when their time is over.

    A `group` is what is forgotten together, within one tenant. A key of one tenant or group is never found in another.
    """

    async def find(self, tenant_id: str, group: str, key: bytes) -> SharedAnswer | None:
        """Return what is kept; None: nobody knows, and whoever asks goes by what it keeps itself."""
        ...

    def keep(self, tenant_id: str, group: str, key: bytes, value: bytes, age_s: float, generation: int) -> None:
        """Keep a value for so long, unless its group was forgotten since `generation`, or it is too large; nobody waits for it."""
        ...

    async def forget(self, tenant_id: str, group: str) -> None:
        """Forget a whole group: when this returns, no process finds any of it; where nobody answers, as soon as somebody does."""
        ...
