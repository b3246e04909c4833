"""Work that outlasts the request which began it: what is shown of it, how it is fed and stopped, and what must be remembered.

The edge (server/mcp/tasks/) speaks MCP's extension `io.modelcontextprotocol/tasks` over any `LongWork`, each told by the prefix of its ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from oauth.principal import Principal
from tools.operation import ClientInfo, Json

TaskStatus = Literal["working", "input_required", "completed", "cancelled", "failed"]
ENDED: tuple[TaskStatus, ...] = ("completed", "cancelled", "failed")
#: whose an id is: of a call, of a run of a workflow
CALLS, RUNS = "t_", "w_"


class Resumable(str):
    """A message of progress that names the handle under which a call that broke off can be resumed."""

    __slots__ = ("handle",)
    handle: str

    def __new__(cls, handle: str) -> "Resumable":
        """Return the message for `handle`."""
        message = super().__new__(cls, f"started; resume: {handle}")
        message.handle = handle
        return message


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its client sees it; times in microseconds since the epoch, UTC.

    `payload` is JSON: the result of a completed one, the JSON-RPC error of a failed one, the requests by key of one that waits for input.
    `ttl_ms` counts from its creation; None: it is kept without a limit.
    """

    task_id: str
    status: TaskStatus
    message: str | None
    created_at_us: int
    updated_at_us: int
    ttl_ms: int | None
    payload: bytes | None = None


class LongWork(Protocol):
    """One kind of work whose tasks this process can answer for, whichever process runs them.

    Ids of others (another tenant, person or client), unknown ones and expired ones look alike.
    """

    async def begun(self, principal: Principal, name: str) -> Task | None:
        """Return the task of work that a call has just begun, by its own name in `Outcome.task`; None where it is not the principal's."""
        ...

    async def show(self, principal: Principal, task_id: str) -> Task | None:
        """Return the task as it is now; None where there is none for this principal."""
        ...

    async def feed(self, principal: Principal, task_id: str, responses: Mapping[str, Json], *, client: ClientInfo) -> bool:
        """Take answers to requests of a task that waits for input, and go on once all are there; False where there is no such task.

        Answers to what is not asked (never, or not any more) are passed over. Raises InvalidArguments for an answer of no known shape.
        """
        ...

    async def cancel(self, principal: Principal, task_id: str) -> bool:
        """Have it stopped, by and by; False where there is no such task. One that has ended stays as it ended."""
        ...


def prefix_of(task_id: str) -> str:
    """Return what says whose an id is: all up to the first `_`, with it."""
    return task_id[: task_id.find("_") + 1]


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A call as a task, as it is kept. `version` is the one that was read: a change succeeds only on that one.

    `work`: what it takes to go on with it, until it has ended. `owner`: the process that runs it, while `lease_until_us` lies ahead.
    """

    task: Task
    work: bytes
    owner: str
    lease_until_us: int
    expires_at_us: int
    is_stopping: bool = False
    version: int = 0


class TaskStore(Protocol):
    """Tasks of calls, of the principal (tenant, person and client) that began them and of nobody else; ids are kept hashed."""

    async def open(self, principal: Principal, record: TaskRecord) -> None:
        """Keep a new task; `load` finds it when this returns. Raises QuotaExceeded where too many of the person's or tenant's run."""
        ...

    async def load(self, principal: Principal, task_id: str) -> TaskRecord | None:
        """Return a task; None for unknown, expired and foreign ids alike."""
        ...

    async def change(self, principal: Principal, record: TaskRecord, *, is_news: bool = True) -> TaskRecord | None:
        """Keep `record` in place of its version and return it with the next one; None where somebody else was first.

        `is_news`: it is announced to all processes.
        A person's tasks that ended longest ago go where there is no room for what one that ends now has to keep. Raises QuotaExceeded
        where its payload does not fit even so.
        """
        ...

    async def ask_to_stop(self, principal: Principal, task_id: str) -> None:
        """Note that a task is to be stopped, and tell the process that runs it."""
        ...

    async def renew(self, owner: str, until_us: int) -> None:
        """Extend the lease of all that `owner` runs."""
        ...
