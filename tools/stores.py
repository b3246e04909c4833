"""What this package must remember, as Protocols; `server/storage` keeps the promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oauth.principal import Principal
from tools.operation import Json, Operation
from tools.value_objects import value_object


@dataclass(frozen=True, slots=True)
class Source:
    """Where the operations of a provider came from: an OpenAPI document or an MCP server, with its import settings."""

    provider: str
    tenant_id: str | None
    kind: str
    location: str
    title: str
    #: JSON: base URLs, include globs, security schemes of the document
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ImportDiff:
    """What an import changes, by operation id. `riskier`: changed ones whose access tier rose."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    riskier: tuple[str, ...]
    unchanged: int


class OperationStore(Protocol):
    async def replace(self, source: Source, operations: Sequence[Operation]) -> ImportDiff:
        """Make `operations` the whole of what `source` brings, in one step; unchanged rows (same content_hash) stay untouched."""
        ...

    async def amend(self, tenant_id: str | None, provider: str, operations: Sequence[Operation], removed: Sequence[str] = ()) -> None:
        """Add or replace some operations of a source and forget others, in one step; the rest stays as it is."""
        ...

    async def compare(self, source: Source, operations: Sequence[Operation]) -> ImportDiff:
        """Say what `replace` would change, and change nothing."""
        ...

    async def load(self) -> Sequence[Operation]:
        """Return every operation of every tenant, for the process's snapshot."""
        ...

    async def load_provider(self, tenant_id: str | None, provider: str) -> Sequence[Operation]:
        """Return the operations of one provider of one tenant (None: shared)."""
        ...

    async def sources(self, tenant_id: str | None) -> Sequence[Source]:
        """Return the sources of one tenant (None: the shared ones)."""
        ...

    async def remove(self, tenant_id: str | None, provider: str) -> int:
        """Forget a source and its operations; return how many operations went."""
        ...


@value_object
class CallRecord:
    """The one row that every call leaves. No arguments, no results, no credentials."""

    tenant_id: str
    tool: str
    operation: str
    auth_method: str
    duration_ms: float
    success: bool
    error_code: str | None
    trace_id: str
    subject: str
    client_id: str
    called_at_us: int
    #: whose affair a failure is (tools/dispatch/failure_classes.py); "": there was none
    error_class: str = ""
    #: all waiting for the upstream, and the last status it gave; None: nothing was sent
    upstream_ms: float | None = None
    upstream_status: int | None = None
    #: of a failure, in our words: never what an upstream sent, nor an argument's value
    reason: str = ""
    #: the alias that was asked for, and the step of a plan
    account: str = ""
    step: str = ""


class Recorder(Protocol):
    """Takes call records without waiting: a bounded queue, written in batches."""

    def record(self, record: CallRecord) -> None: ...


class CallHistory(Protocol):
    async def recent(self, principal: Principal, limit: int, *, failures_only: bool = False) -> Sequence[CallRecord]:
        """Return the principal's own last calls, newest first; nobody reads another subject's."""
        ...


@dataclass(frozen=True, slots=True)
class UsageExample:
    """An intent that led to a successful call, and how often."""

    tenant_id: str
    operation_id: str
    intent: str
    uses: int


class UsageStore(Protocol):
    async def add_uses(self, examples: Sequence[UsageExample]) -> None:
        """Add each example's uses to what is stored of it, all or none."""
        ...

    async def load_uses(self, minimum: int) -> Sequence[UsageExample]:
        """Return what was used at least `minimum` times, of all tenants; the learner keeps them apart."""
        ...


class ResultStore(Protocol):
    """Keeps large results for 30 minutes, for the principal (tenant and subject) that got them and nobody else.

    A person's oldest go before their time where there is no room for a new one (tools/quotas.py).
    """

    async def put(self, principal: Principal, body: bytes, media_type: str, ttl_s: float) -> str:
        """Keep `body` and return its handle. Raises QuotaExceeded."""
        ...

    async def get(self, principal: Principal, handle: str) -> tuple[bytes, str] | None:
        """Return body and media type, or None: expired, unknown and foreign handles look alike."""
        ...


class IdempotencyStore(Protocol):
    async def begin(self, principal: Principal, key: str, request_hash: str, ttl_s: float) -> bytes | None:
        """Claim `key` for this request, across processes. None: run it. Bytes: the recorded outcome of the same request.

        Raises KeyConflict where the key was used with other arguments, KeyInFlight while the first call still runs, QuotaExceeded
        where the person or the tenant has too many keys on record; none is forgotten before its time.
        """
        ...

    async def finish(self, principal: Principal, key: str, outcome: bytes) -> None:
        """Record the outcome that later calls with this key get. Raises QuotaExceeded where a large one has no room."""
        ...

    async def abandon(self, principal: Principal, key: str) -> None:
        """Give the key back: the call did not reach the upstream."""
        ...


class KeyConflict(Exception):
    """The idempotency key belongs to a call with other arguments."""


class KeyInFlight(Exception):
    """The first call with this idempotency key has not finished."""


class PlanStore(Protocol):
    """Durable record of batch plans: what finished, so that `resume` runs only the rest."""

    async def open(self, principal: Principal, plan: bytes, ttl_s: float) -> str:
        """Keep the plan and return its resume handle; the person's oldest go where there is no room. Raises QuotaExceeded."""
        ...

    async def save_step(self, principal: Principal, handle: str, step_id: str, result: bytes) -> None:
        """Record the result of one finished step. Raises QuotaExceeded where it does not fit even alone."""
        ...

    async def load(self, principal: Principal, handle: str) -> tuple[bytes, Mapping[str, bytes]] | None:
        """Return the plan and the results by step id; None for unknown, expired and foreign handles alike."""
        ...


_TIER: dict[str, int] = {"read": 0, "write": 1, "destructive": 2}


def diff_of(known: Mapping[str, tuple[str, str]], given: Sequence[Operation]) -> ImportDiff:
    """Compare stored operations (id -> content hash, access) with the ones that an import brings."""
    given_ids = {operation.id for operation in given}
    changed = [operation for operation in given if operation.id in known and known[operation.id][0] != operation.content_hash]
    return ImportDiff(
        added=tuple(sorted(given_ids - known.keys())),
        changed=tuple(sorted(operation.id for operation in changed)),
        removed=tuple(sorted(known.keys() - given_ids)),
        riskier=tuple(sorted(operation.id for operation in changed if _TIER[operation.access] > _TIER[known[operation.id][1]])),
        unchanged=len(given_ids & known.keys()) - len(changed),
    )


RESULT_TTL_S = 30 * 60
