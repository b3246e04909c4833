"""What people do to runs, as the store keeps it; `DurableWorkflows` puts its refusals into words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tools.operation import Json
from tools.trace_ids import new_trace_id
from tools.workflows.stores import ActsFor, RunPage, RunState, RunView


@dataclass(frozen=True, slots=True)
class NewRun:
    tenant_id: str
    workflow: str
    key: str
    given: Mapping[str, Json]
    acts_for: ActsFor | None
    started_by: str
    at_us: int | None
    trace_id: str = field(default_factory=new_trace_id)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list has; None and no states: all."""

    workflow: str | None = None
    states: tuple[RunState, ...] = ()
    acts_for: str | None = None


@dataclass(frozen=True, slots=True)
class MostOpen:
    """How many runs that have not ended a tenant may have, and how many of those may act for one person who starts another."""

    of_tenant: int
    of_person: int


class RunRefused(Exception):
    """Nothing was changed."""


class NoSuchRun(RunRefused):
    pass


class OtherRun(RunRefused):
    """The key is that of a run which was given something else."""


class TooManyRuns(RunRefused):
    """As many have not ended as a tenant, or one of its people, may have."""

    def __init__(self, *, of_person: bool) -> None:
        super().__init__(of_person)
        self.of_person = of_person


class TooManySignals(RunRefused):
    """As many wait to be taken as a run may have."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class NotResumable(RunRefused):
    """The state of the run does not allow it."""

    def __init__(self, state: RunState) -> None:
        super().__init__(state)
        self.state = state


class NoSuchSteps(RunRefused):
    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        super().__init__(unknown)
        self.unknown, self.known = unknown, known


class RunRecords(Protocol):
    """Each method is one transaction, which also announces what was done. All but `start`, `show` and `page` raise NoSuchRun."""

    async def start(self, new: NewRun, most: MostOpen) -> str:
        """Put a run on record and return its id. Raises OtherRun, TooManyRuns, RunsFull."""
        ...

    async def signal(self, tenant_id: str, run_id: str, name: str, value: Json, key: str) -> None:
        """Raises NotResumable: it has ended; TooManySignals, RunsFull."""
        ...

    async def cancel(self, tenant_id: str, run_id: str) -> bool: ...

    async def resume(self, tenant_id: str, run_id: str, again: Collection[str], most: MostOpen) -> None:
        """Raises NotResumable, NoSuchSteps, TooManyRuns: one that goes on is open again."""
        ...

    async def show(self, tenant_id: str, run_id: str) -> RunView | None: ...

    async def page(self, tenant_id: str, wanted: RunFilter, limit: int, cursor: str | None) -> RunPage | None:
        """Return None where that is no cursor."""
        ...

    async def forget(self, tenant_id: str) -> int: ...
