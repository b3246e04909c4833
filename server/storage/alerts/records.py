"""What is kept of alerts. Times are microseconds since the epoch, UTC; labels are short texts by name."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

State = Literal["pending", "firing", "resolved"]
DeliveryState = Literal["waiting", "sent", "dead"]


def mark_of(labels: Mapping[str, str]) -> str:
    """Return what tells alerts of one rule apart: the same labels are the same alert."""
    return hashlib.sha256(orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert: `began_at_us` is when its condition was first seen, `gone_at_us` since when it is not seen any more."""

    rule: str
    labels: Mapping[str, str]
    state: State
    summary: str
    began_at_us: int
    changed_at_us: int
    fired_at_us: int | None = None
    gone_at_us: int | None = None
    resolved_at_us: int | None = None

    @property
    def mark(self) -> str:
        return mark_of(self.labels)


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """What was told of the alerts of a rule. `waits_from_us`: since when there is something to tell; None: there is nothing."""

    rule: str
    told_at_us: int | None = None
    told_firing: frozenset[str] = frozenset()
    told_resolved: frozenset[str] = frozenset()
    waits_from_us: int | None = None


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """A message on its way to one sink; `message` is JSON. `next_at_us`: when it is tried again, or when it ended."""

    delivery_id: str
    sink: str
    rule: str
    message: str
    created_at_us: int
    next_at_us: int
    state: DeliveryState = "waiting"
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Until when nothing is told of alerts that match: `rule` by name, every other member a label."""

    silence_id: str
    matchers: Mapping[str, str]
    why: str
    by: str
    created_at_us: int
    until_us: int

    def matches(self, rule: str, labels: Mapping[str, str]) -> bool:
        return all(value == (rule if name == "rule" else labels.get(name)) for name, value in self.matchers.items())


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is on record of alerts: a few rows."""

    states: Sequence[AlertState]
    groups: Sequence[AlertGroup]
    silences: Sequence[Silence]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look comes to."""

    states: Sequence[AlertState] = ()
    groups: Sequence[AlertGroup] = ()
    deliveries: Sequence[AlertDelivery] = ()
    #: (rule, mark) of states that are forgotten
    forgotten: Sequence[tuple[str, str]] = ()

    @property
    def is_nothing(self) -> bool:
        return not (self.states or self.groups or self.deliveries or self.forgotten)


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node said of itself."""

    node: str
    at_us: int
    figures: Mapping[str, object] = field(default_factory=dict)
