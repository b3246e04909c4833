"""What is on record of a run: its steps, who has it in hand, what is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tools.operation import Failure, Json
from tools.workflows.stores import ActsFor, RunState

RecordState = Literal["running", "waiting", "succeeded", "failed", "again"]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as it is kept. Only `succeeded` and `failed` are never run again, unless somebody asks for it (`again`).

    `result`: as JSON text. `wakes_at_us`: of a sleep, a wait, or a step that is tried again.
    """

    name: str
    state: RecordState
    started_at_us: int
    attempts: int = 0
    round: int = 0
    ended_at_us: int | None = None
    wakes_at_us: int | None = None
    result: bytes = b"null"
    failure: Failure | None = None

    def seen_at(self, now_us: int) -> "StepRecord":
        """Return it as it is by a clock that says `now_us`: where it began later than that, another clock was ahead, or this one is behind.

        Then it waits no longer, from now, than it was to wait at all.
        """
        if self.wakes_at_us is None or self.started_at_us <= now_us:
            return self
        return replace(self, started_at_us=now_us, wakes_at_us=min(self.wakes_at_us, now_us + self.wakes_at_us - self.started_at_us))


@dataclass(frozen=True, slots=True)
class Claim:
    """A run in the hands of one process. `owner` and `attempt` are the fence: what another process took since is not written to."""

    tenant_id: str
    run_id: str
    workflow: str
    #: "": it has no step on record yet, so the newest version serves
    version: str
    given: Mapping[str, Json]
    acts_for: ActsFor | None
    created_at_us: int
    owner: str
    attempt: int
    #: processes that died with it in hand since its last step
    losses: int
    is_cancelled: bool
    #: of the calls that it makes; "": each gets its own
    trace_id: str
    steps: Mapping[str, StepRecord] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Beat:
    """A process that has runs in hand, as it last said so."""

    executor_id: str
    count: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to do, of all tenants. `next_due_us`: of what is not due yet."""

    due: int
    oldest_due_us: int | None
    next_due_us: int | None
    beats: tuple[Beat, ...]
    #: tenants that have runs which are due
    waiting: frozenset[str] = frozenset()
    #: what runs have on record; and how much of its quota the tenant that has most uses, 1.0 all of it
    kept_bytes: int = 0
    fullest: float = 0.0

    @property
    def is_over(self) -> bool:
        """Say whether no run is open: one that is waits for its time, or for a process, or has one."""
        return not self.due and self.next_due_us is None and not self.beats


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends."""

    state: RunState
    result: bytes | None = None
    failure: Failure | None = None
