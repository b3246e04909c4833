"""How much may be kept for one person and for one tenant, and what happens above it (docs/decisions/0022)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tools.errors import QuotaExceeded
from tools.operation import Failure

Key = TypeVar("Key", bound=Hashable)
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    count: int
    max_bytes: int

    def holds(self, count: int, total_bytes: int) -> bool:
        return count <= self.count and total_bytes <= self.max_bytes

    def scaled(self, scale: float) -> "Quota":
        return Quota(max(1, round(self.count * scale)), max(1, round(self.max_bytes * scale)))

    def __str__(self) -> str:
        return f"{self.count} and {self.max_bytes // MB} MB"


@dataclass(frozen=True, slots=True)
class Quotas:
    """What may be kept of one kind. `hint`: what a person can do where there is no room."""

    what: str
    person: Quota
    tenant: Quota
    hint: str

    def scaled(self, scale: float) -> "Quotas":
        """Return `scale` times as much of it."""
        return replace(self, person=self.person.scaled(scale), tenant=self.tenant.scaled(scale))

    def check_bytes(self, total_bytes: int, *, in_tenant: bool) -> None:
        """Raise QuotaExceeded where `total_bytes` are more than a person, or a tenant, may have."""
        quota = self.tenant if in_tenant else self.person
        if total_bytes > quota.max_bytes:
            raise QuotaExceeded(f"{self.what} of {'your whole tenant' if in_tenant else 'one person'} ({quota})", self.hint)

    def check_room(self, own: tuple[int, int], tenant: tuple[int, int]) -> None:
        """Raise QuotaExceeded where a person, or a tenant, would have more than its quota; (count, bytes) with what comes."""
        for (count, total_bytes), quota, whose in ((own, self.person, "one person"), (tenant, self.tenant, "your whole tenant")):
            if not quota.holds(count, total_bytes):
                raise QuotaExceeded(f"{self.what} of {whose} ({quota})", self.hint)

    def to_forget(self, own: Sequence[tuple[Key, int]], tenant: tuple[int, int], size_bytes: int) -> list[Key]:
        """Return which of a person's `own` (key, bytes; the oldest first) must go before one more of `size_bytes` is kept.

        `tenant`: count and bytes that its persons have together. A person makes room at their own cost alone.
        Raises QuotaExceeded where all of their own would not be enough.
        """
        count, total = len(own) + 1, sum(size for _key, size in own) + size_bytes
        tenant_count, tenant_bytes = tenant[0] + 1, tenant[1] + size_bytes
        forgotten: list[Key] = []
        oldest = iter(own)
        while not (self.person.holds(count, total) and self.tenant.holds(tenant_count, tenant_bytes)):
            if (found := next(oldest, None)) is None:
                break
            key, size = found
            forgotten.append(key)
            count, total, tenant_count, tenant_bytes = count - 1, total - size, tenant_count - 1, tenant_bytes - size
        else:
            return forgotten
        if size_bytes > self.person.max_bytes:
            raise QuotaExceeded(f"{self.what} of one person ({self.person})", self.hint)
        raise QuotaExceeded(f"{self.what} of your whole tenant ({self.tenant})", self.hint)


RESULTS = Quotas(
    "kept answers",
    Quota(200, 64 * MB),
    Quota(2_000, 512 * MB),
    "select less of the answer, or wait: kept answers are forgotten after 30 minutes",
)
PLANS = Quotas(
    "recorded plans",
    Quota(100, 64 * MB),
    Quota(1_000, 512 * MB),
    "send smaller plans, or wait: a plan is forgotten 24 hours after it began",
)
#: Of calls that became tasks: how many may be under way (of a person, of a tenant), and what is kept of those that ended.
MAX_TASKS_UNDER_WAY = (16, 100)
TASKS = Quotas(
    "answers of tasks",
    Quota(100, 16 * MB),
    Quota(2_000, 256 * MB),
    "select less of the answer, or wait: tasks are forgotten after an hour",
)
#: Records are what keeps a write from being sent twice, so none goes before its time; what does not fit is recorded without its answer.
RECORDS = Quotas(
    "answers of recorded writes",
    Quota(20_000, 128 * MB),
    Quota(100_000, 1_024 * MB),
    "wait: records are forgotten after 24 hours",
)
DOCUMENTS = Quotas(
    "documents",
    Quota(10_000, 2_000 * MB),
    Quota(50_000, 10_000 * MB),
    "delete documents that nobody needs any more (rag_delete)",
)
#: of a record; the quota of keys bounds these well enough, so they need no sum
SMALL_RECORD_BYTES = 4_000


def not_kept(error: QuotaExceeded, hint: str) -> Failure:
    """Return that what came of a call has no room. `quota_exceeded` itself means that nothing was sent."""
    return replace(error.failure, code="answer_not_kept", hint=hint)


def keys_exceeded(most: int, *, in_tenant: bool) -> QuotaExceeded:
    """Return the refusal of one more write under a key."""
    whose = "your whole tenant" if in_tenant else "one person"
    hint = "nothing was sent; records of writes are forgotten after 24 hours, so wait, or write many things in one call where the API can"
    return QuotaExceeded(f"{most} writes in 24 hours of {whose}", hint)
