"""What a rule is: it looks, and says what holds now; when that is told, and to whom, is not its business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Severity = Literal["critical", "warning"]
MINUTE_US = 60 * 1_000_000
HOUR_US, DAY_US = 60 * MINUTE_US, 24 * 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds. Labels tell it from others of its rule, so nothing that counts or moves is one; the summary is for people."""

    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleKind:
    """What there is to say of a rule: `hint` is what to do, `every_s` how often it looks, `for_s` how long a condition must hold.

    `tells_end` False: it is about events, and that none came for a while is no news.
    """

    name: str
    severity: Severity
    hint: str
    every_s: float = 60.0
    for_s: float = 0.0
    tells_end: bool = True


class Rule(Protocol):
    @property
    def kind(self) -> RuleKind: ...

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        """Return what holds now. What it raises means that nobody knows: states stay as they are."""
        ...
