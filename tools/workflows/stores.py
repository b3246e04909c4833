"""The port: what starts, feeds, ends and shows runs. `tools.workflows.engine` keeps its promises, in `server.storage.workflows`.

Run ids are `tenant:workflow:key`. Ids of other tenants, unknown ones and ones that are gone look alike.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from oauth.scopes import CONNECT
from tools.operation import Failure, Json

#: queued: no process has begun it; waiting: for a signal or a time. A run whose process died is `running` until another takes it over.
RunState = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled"]
StepState = Literal["running", "waiting", "succeeded", "failed"]
#: of a person's runs where nobody names any: what cannot be undone has to be named
DEFAULT_SCOPES = ("mcp:read", "mcp:write")
#: as whom runs act that use the accounts of a whole tenant and read alone; what is nobody's in particular
EVERYBODY = "everybody"
ENDED: frozenset[RunState] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class ActsFor:
    """Whom a run acts for: its calls use this person's connections, within these scopes and never more than the person has then."""

    subject: str
    scopes: frozenset[str]

    @classmethod
    def within(cls, subject: str, scopes: Iterable[str]) -> "ActsFor":
        """Return whom a run acts for who may do what `scopes` name, and find operations."""
        return cls(subject, frozenset({CONNECT, *scopes}))


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as lists show it; times in microseconds since the epoch, UTC."""

    name: str
    state: StepState
    attempts: int
    started_at_us: int | None
    ended_at_us: int | None
    result: Json = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it is shown: what it was given, how far it is, how it ended."""

    tenant_id: str
    run_id: str
    workflow: str
    version: str
    state: RunState
    given: Mapping[str, Json]
    #: "": the gateway itself
    acts_for: str
    #: manual, schedule, webhook, workflow
    started_by: str
    #: its calls stay within these
    scopes: frozenset[str]
    created_at_us: int
    updated_at_us: int
    attempts: int
    result: Json = None
    failure: Failure | None = None
    #: its own calls have the same; "": it is from before runs had one
    trace_id: str = ""
    steps: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first, without their steps."""

    runs: tuple[RunView, ...]
    next_cursor: str | None


class Workflows(Protocol):
    async def start(
        self,
        tenant_id: str,
        workflow: str,
        given: Mapping[str, Json],
        *,
        key: str | None = None,
        at_us: int | None = None,
        acts_for: ActsFor | None = None,
        started_by: str = "manual",
        trace_id: str | None = None,
    ) -> str:
        """Put a run on record and return its id; it begins when a process has room, not before `at_us`. The same key is the same run.

        `trace_id`: of the call that starts it; None: it gets one of its own. Its calls are on record with that id.

        It is durable when this returns. Raises WorkflowRefused: no such workflow (not_found, with did-you-mean), given that does not fit
        its schema (invalid_arguments), too_large, a key that another `given` has (conflict), quota_exceeded.
        """
        ...

    async def signal(self, tenant_id: str, run_id: str, name: str, value: Json, *, key: str) -> None:
        """Give a value to a run that waits for it, or will; the same key counts once. Raises WorkflowRefused."""
        ...

    async def cancel(self, tenant_id: str, run_id: str) -> bool:
        """End a run before its next step; False: it had ended."""
        ...

    async def resume(self, tenant_id: str, run_id: str, *, again: Collection[str] = ()) -> None:
        """Let a run that failed or was cancelled go on where it stopped: steps that failed are tried anew.

        Of those that succeeded the named ones, and none besides, run again.
        """
        ...

    async def show(self, tenant_id: str, run_id: str) -> RunView | None: ...

    async def runs(
        self,
        tenant_id: str,
        *,
        workflow: str | None = None,
        states: Sequence[RunState] = (),
        acts_for: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> RunPage:
        """Return runs, newest first. `states`: none are all. `acts_for`: of one subject alone; "": of the gateway itself."""
        ...

    async def forget(self, tenant_id: str) -> int:
        """Delete every run of a tenant with its steps and signals; say how many there were."""
        ...
