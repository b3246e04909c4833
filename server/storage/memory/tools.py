"""The stores of tools, in memory: for tests and for a gateway that keeps nothing."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from oauth.principal import Principal
from tools.operation import Operation
from tools.quotas import PLANS, RECORDS, RESULTS, SMALL_RECORD_BYTES, Quotas, keys_exceeded
from tools.stores import CallRecord, ImportDiff, KeyConflict, KeyInFlight, Source, UsageExample, diff_of

CLAIM_S = 45.0
Clock = Callable[[], float]


class MemoryOperationStore:
    """OperationStore in a dict."""

    def __init__(self) -> None:
        #: (tenant id or None, provider) -> (source, its operations by id)
        self._held: dict[tuple[str | None, str], tuple[Source, dict[str, Operation]]] = {}

    async def replace(self, source: Source, given: Sequence[Operation]) -> ImportDiff:
        diff = await self.compare(source, given)
        known = self._operations(source)
        kept = {
            operation.id: known[operation.id]
            if operation.id in known and known[operation.id].content_hash == operation.content_hash
            else operation
            for operation in given
        }
        self._held[source.tenant_id, source.provider] = (source, kept)
        return diff

    async def amend(self, tenant_id: str | None, provider: str, operations: Sequence[Operation], removed: Sequence[str] = ()) -> None:
        if (held := self._held.get((tenant_id, provider))) is not None:
            known = {**held[1], **{operation.id: operation for operation in operations}}
            self._held[tenant_id, provider] = (held[0], {each: known[each] for each in known if each not in removed})

    async def compare(self, source: Source, given: Sequence[Operation]) -> ImportDiff:
        known = self._operations(source)
        return diff_of({each.id: (each.content_hash, each.access) for each in known.values()}, given)

    async def load(self) -> Sequence[Operation]:
        return [operation for _, operations in self._held.values() for operation in operations.values()]

    async def load_provider(self, tenant_id: str | None, provider: str) -> Sequence[Operation]:
        held = self._held.get((tenant_id, provider))
        return [] if held is None else sorted(held[1].values(), key=lambda operation: operation.id)

    async def sources(self, tenant_id: str | None) -> Sequence[Source]:
        return [source for (owner, _), (source, _) in sorted(self._held.items(), key=lambda item: item[0][1]) if owner == tenant_id]

    async def remove(self, tenant_id: str | None, provider: str) -> int:
        held = self._held.pop((tenant_id, provider), None)
        return 0 if held is None else len(held[1])

    def _operations(self, source: Source) -> dict[str, Operation]:
        held = self._held.get((source.tenant_id, source.provider))
        return {} if held is None else held[1]


class MemoryResultStore:
    """ResultStore in a dict."""

    def __init__(self, clock: Clock = time.time, quotas: Quotas = RESULTS) -> None:
        self._clock, self._quotas = clock, quotas
        #: (tenant, subject, handle) -> (body, media type, expiry)
        self._kept: dict[tuple[str, str, str], tuple[bytes, str, float]] = {}

    async def put(self, principal: Principal, body: bytes, media_type: str, ttl_s: float) -> str:
        alive = {key: kept for key, kept in self._kept.items() if kept[2] > self._clock()}
        sizes = {key: len(kept[0]) for key, kept in alive.items() if key[0] == principal.tenant_id}
        own = [(key, size) for key, size in sizes.items() if key[1] == principal.subject]
        for gone in self._quotas.to_forget(own, (len(sizes), sum(sizes.values())), len(body)):
            del alive[gone]
        self._kept = alive
        handle = f"r_{secrets.token_urlsafe(24)}"
        self._kept[principal.tenant_id, principal.subject, handle] = (body, media_type, self._clock() + ttl_s)
        return handle

    async def get(self, principal: Principal, handle: str) -> tuple[bytes, str] | None:
        kept = self._kept.get((principal.tenant_id, principal.subject, handle))
        return None if kept is None or kept[2] <= self._clock() else kept[:2]


@dataclass(slots=True)
class _Claim:
    request_hash: str
    claimed_until: float
    expires_at: float
    outcome: bytes | None = None


class MemoryIdempotencyStore:
    """IdempotencyStore in a dict."""

    def __init__(self, clock: Clock = time.time, quotas: Quotas = RECORDS) -> None:
        self._clock, self._quotas = clock, quotas
        self._claims: dict[tuple[str, str, str], _Claim] = {}

    async def begin(self, principal: Principal, key: str, request_hash: str, ttl_s: float) -> bytes | None:
        now, mine = self._clock(), (principal.tenant_id, principal.subject, key)
        claim = self._claims.get(mine)
        if claim is not None and claim.expires_at > now:
            if claim.request_hash != request_hash:
                raise KeyConflict
            if claim.outcome is not None:
                return claim.outcome
            if claim.claimed_until > now:
                raise KeyInFlight
        if claim is None:
            self._check_room(principal)
        self._claims[mine] = _Claim(request_hash, now + CLAIM_S, now + ttl_s)
        return None

    def _check_room(self, principal: Principal) -> None:
        of_tenant = [subject for tenant, subject, _key in self._claims if tenant == principal.tenant_id]
        if of_tenant.count(principal.subject) >= self._quotas.person.count:
            raise keys_exceeded(self._quotas.person.count, in_tenant=False)
        if len(of_tenant) >= self._quotas.tenant.count:
            raise keys_exceeded(self._quotas.tenant.count, in_tenant=True)

    def _check_bytes(self, principal: Principal, size_bytes: int) -> None:
        sizes = [(at[1], len(claim.outcome or b"")) for at, claim in self._claims.items() if at[0] == principal.tenant_id]
        self._quotas.check_bytes(size_bytes + sum(size for subject, size in sizes if subject == principal.subject), in_tenant=False)
        self._quotas.check_bytes(size_bytes + sum(size for _subject, size in sizes), in_tenant=True)

    async def finish(self, principal: Principal, key: str, outcome: bytes) -> None:
        if len(outcome) > SMALL_RECORD_BYTES:
            self._check_bytes(principal, len(outcome))
        if (claim := self._claims.get((principal.tenant_id, principal.subject, key))) is not None:
            claim.outcome = outcome

    async def abandon(self, principal: Principal, key: str) -> None:
        self._claims.pop((principal.tenant_id, principal.subject, key), None)


@dataclass(slots=True)
class _Plan:
    plan: bytes
    expires_at: float
    results_by_step: dict[str, bytes] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        return len(self.plan) + sum(map(len, self.results_by_step.values()))


class MemoryPlanStore:
    """PlanStore in a dict."""

    def __init__(self, clock: Clock = time.time, quotas: Quotas = PLANS) -> None:
        self._clock, self._quotas = clock, quotas
        self._plans: dict[tuple[str, str, str], _Plan] = {}

    async def open(self, principal: Principal, plan: bytes, ttl_s: float) -> str:
        handle = f"x_{secrets.token_urlsafe(24)}"
        self._make_room(principal, len(plan))
        self._plans[principal.tenant_id, principal.subject, handle] = _Plan(plan, self._clock() + ttl_s)
        return handle

    async def save_step(self, principal: Principal, handle: str, step_id: str, result: bytes) -> None:
        if (plan := self._own(principal, handle)) is not None:
            self._make_room(principal, plan.size_bytes + len(result), keep=handle)
            plan.results_by_step[step_id] = result

    def _make_room(self, principal: Principal, size_bytes: int, keep: str | None = None) -> None:
        now = self._clock()
        sizes = {
            key: plan.size_bytes
            for key, plan in self._plans.items()
            if key[0] == principal.tenant_id and key[2] != keep and plan.expires_at > now
        }
        own = [(key, size) for key, size in sizes.items() if key[1] == principal.subject]
        for gone in self._quotas.to_forget(own, (len(sizes), sum(sizes.values())), size_bytes):
            del self._plans[gone]

    async def load(self, principal: Principal, handle: str) -> tuple[bytes, Mapping[str, bytes]] | None:
        plan = self._own(principal, handle)
        return None if plan is None else (plan.plan, dict(plan.results_by_step))

    def _own(self, principal: Principal, handle: str) -> _Plan | None:
        plan = self._plans.get((principal.tenant_id, principal.subject, handle))
        return None if plan is None or plan.expires_at <= self._clock() else plan


class MemoryCallRecords:
    """Recorder and CallHistory in a bounded list."""

    def __init__(self, capacity: int = 10_000) -> None:
        self.records: deque[CallRecord] = deque(maxlen=capacity)

    def record(self, record: CallRecord) -> None:
        self.records.append(record)

    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        self.records.extend(records)

    async def recent(self, principal: Principal, limit: int, *, failures_only: bool = False) -> Sequence[CallRecord]:
        own = [
            record
            for record in reversed(self.records)
            if (record.tenant_id, record.subject) == (principal.tenant_id, principal.subject) and not (failures_only and record.success)
        ]
        return own[:limit]


class MemoryUsageStore:
    """UsageStore in a dict."""

    def __init__(self) -> None:
        self._uses: dict[tuple[str, str, str], int] = {}

    async def add_uses(self, examples: Sequence[UsageExample]) -> None:
        for each in examples:
            key = (each.tenant_id, each.operation_id, each.intent)
            self._uses[key] = self._uses.get(key, 0) + each.uses

    async def load_uses(self, minimum: int) -> Sequence[UsageExample]:
        return [UsageExample(*key, uses) for key, uses in self._uses.items() if uses >= minimum]
