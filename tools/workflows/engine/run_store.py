"""What the engine keeps: `server.storage.workflows` does, in the store of everything else.

Each method that takes a Claim writes in one transaction with its fence, and raises RunLost where the run is no longer this
process's. Those that record wait while the store is away: whoever takes the run over meanwhile moves the fence.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from tools.operation import Json
from tools.workflows.engine.records import Beat, Claim, Ending, Outlook, StepRecord
from tools.workflows.run import Writes


class RunLost(Exception):
    """The run ended, was forgotten, or another process has it: nothing was written."""


class RunStore(Protocol):
    async def outlook(self) -> Outlook: ...

    async def claim(self, executor_id: str, limit: int, busy: Mapping[str, int], last: Sequence[str]) -> Sequence[Claim]:
        """Take up to `limit` runs that are due, tenants with the fewest `busy` ones first, then those that `last` names the earliest."""
        ...

    async def record(self, claim: Claim, step: StepRecord) -> bool:
        """Put a step on record; True: the run is to end before its next step. Raises RunsFull, as do `transact` and `take_signal`."""
        ...

    async def transact(self, claim: Claim, step: StepRecord, work: Callable[[Writes], Json]) -> tuple[StepRecord, bool]:
        """Run `work` and put `step` with its result on record in one transaction: both or neither. True as in `record`."""
        ...

    async def take_signal(self, claim: Claim, step: StepRecord, signal: str) -> StepRecord | None:
        """Give the oldest signal of that name to `step`, and put it on record with its value; None: there is none."""
        ...

    async def is_cancelled(self, claim: Claim) -> bool:
        """Say whether somebody wants the run to end."""
        ...

    async def put_down(self, claim: Claim, due_at_us: int, signals: Collection[str]) -> None:
        """Let the run wait, until `due_at_us` or until one of `signals` comes; one that is there already counts."""
        ...

    async def defer(self, claim: Claim, due_at_us: int) -> None:
        """Let the run wait for a process that has its workflow."""
        ...

    async def end(self, claim: Claim, ending: Ending) -> Ending:
        """Put on record how a run ended, and return it: as a failure where there is no room for its result."""
        ...

    async def give_back(self, claims: Collection[Claim]) -> None:
        """Let others take runs at once; what is lost meanwhile is passed over."""
        ...

    async def keep_only(self, executor_id: str, run_ids: Collection[tuple[str, str]]) -> int:
        """Let others take what the store believes in this process's hands and is not, by (tenant_id, run_id)."""
        ...

    async def beat(self, executor_id: str) -> None:
        """Say that this process lives."""
        ...

    async def release_silent(self, silent: Collection[Beat]) -> int:
        """Let others take the runs of processes that have not beaten since; how many runs there were."""
        ...

    async def bring_forward(self) -> int:
        """Have runs taken up now that a process put off whose clock was ahead, some at a time; how many there were."""
        ...

    async def leave(self, executor_id: str) -> None:
        """Say that this process has no runs any more; what it still has, others may take."""
        ...
