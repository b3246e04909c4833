"""What a body does its work through: each step runs at least once, and its result is recorded once.

A body that is begun again after its process died runs from its first line; steps that are on record give their result at once. So a body
decides by what it was given, by results and by nothing else: no clock, no chance, no state of the process.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tools.context_plane.rag.records import DocumentRecord
from tools.context_plane.stores import ContextRows
from tools.operation import CallOptions, Json, Outcome

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Retry:
    """How a step that failed is tried again: `attempts` in all, waits that double from `first_s` to `longest_s`, each times 0.5 to 1.5.

    A fault that says how long to wait (Retry-After) is heeded; one that is permanent (`PermanentFault`, a refusal of the caller's
    arguments) is not tried again.
    """

    attempts: int = 1
    first_s: float = 1.0
    longest_s: float = 60.0


ONCE = Retry()


class Marks(Protocol):
    """How far a source has been read, by name, and what waits to be taken in, within one transaction of one tenant."""

    def get(self, name: str) -> Json:
        """Return what was put; None where nothing was."""
        ...

    def put(self, name: str, value: Json) -> None:
        """Keep a value of at most 4 MB as JSON; None deletes it, and no byte of it stays."""
        ...


class DocumentWrites(Protocol):
    """Documents of one tenant, within the transaction: they become searchable by and by, like those that are uploaded."""

    def add(self, document: DocumentRecord, content: bytes) -> int:
        """Put a document into the queue and return its number, or that of the one with the same bytes. Raises QuotaExceeded."""
        ...

    def forget(self, url: str) -> int:
        """Delete the documents that are from this URL, of every audience; return how many there were."""
        ...


class Writes(Protocol):
    """The rows of one tenant, within the transaction that also records the step."""

    @property
    def context(self) -> ContextRows:
        """What is known: episodes, claims, facts (tools/context_plane/stores.py)."""
        ...

    @property
    def documents(self) -> DocumentWrites: ...

    @property
    def marks(self) -> Marks: ...

    def is_open(self, run_id: str) -> bool:
        """Say whether a run of this tenant is on record and has not ended, as of this transaction."""
        ...

    def enqueue(self, workflow: str, given: Mapping[str, Json], *, key: str) -> str:
        """Start a run with the commit of this transaction; the same key is the same run. Returns the id of the run."""
        ...


class Run(Protocol):
    """One run, as its body sees it. Names of steps are unique within a run."""

    @property
    def tenant_id(self) -> str: ...

    @property
    def run_id(self) -> str: ...

    async def step(self, name: str, work: Callable[[], Awaitable[Json]], *, retry: Retry | None = None, timeout_s: float = 30.0) -> Json:
        """Return what `work` gives: run at least once, recorded once, ≤ 256 KB as JSON. `retry` None: the workflow's.

        Raises StepFailed when its attempts are used up, which ends the run unless the body goes on.
        """
        ...

    async def transact(self, name: str, work: Callable[[Writes], Json]) -> Json:
        """Return what `work` gives; its writes and the record are one transaction: exactly once. Plain code, in one thread of the store."""
        ...

    async def take_in(
        self,
        name: str,
        read: Callable[[], Awaitable[Read]],
        work: Callable[[Writes, Read], Json],
        *,
        retry: Retry | None = None,
        timeout_s: float = 30.0,
    ) -> Json:
        """Like `transact`, of what `read` gives: that is read anew in each attempt, outside of the transaction, and not recorded.

        So what is read may be larger than a result may be, and no copy of it stays with the run.
        """
        ...

    async def ask(self, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        """Within the work of a step: run an operation that reads; not recorded, not tried again by itself.

        The outcome is whole (`max_chars` None): its data may be `LargeJson` or a `Download`, its `http` has the headers that the document
        declares. Raises ToolError with its failure, which the step's retry heeds.
        """
        ...

    async def call(
        self,
        name: str,
        operation: str,
        arguments: Mapping[str, Json],
        *,
        retry: Retry | None = None,
        options: CallOptions = ...,
    ) -> Json:
        """Run an operation of the catalogue through the door, as whoever the run acts for; idempotency key `run_id:name`.

        `options`: its account and select, and as `confirm` what `agreed_to` gives (consent.py), for what cannot be undone.
        Returns the outcome's data. Raises StepFailed with its failure; a write that may have happened is never sent twice without a key.
        """
        ...

    async def sleep(self, name: str, seconds: float) -> None:
        """Go on so much later, in whichever process."""
        ...

    async def wait(self, name: str, signal: str, timeout_s: float) -> Json:
        """Return the value of the signal, or None where none came in time."""
        ...

    async def now_us(self, name: str) -> int:
        """Return the time as it was when this step first ran."""
        ...
