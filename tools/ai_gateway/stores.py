"""What the AI gateway must remember of calls, as a Protocol; `server/storage` keeps the promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.metering.spending import BudgetAlert, Settlement

#: what a report of usage tells calls apart by
UsageBy = Literal["model", "provider", "key", "user", "day"]


@dataclass(frozen=True, slots=True)
class ClosedCall:
    """A call that has ended. `settlement` None: nothing was set aside for it."""

    record: ModelCallRecord
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What the calls of one model, provider, key, user or day came to."""

    of: str
    calls: int
    errors: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_nano_usd: int
    #: calls whose price nobody knew; they are not in the cost
    unpriced: int


class ModelCallStore(Protocol):
    async def append(self, closed: Sequence[ClosedCall]) -> Sequence[BudgetAlert]:
        """Keep the rows and settle what was set aside for them, all in one transaction; a call that is on record changes nothing.

        Returns the budgets' thresholds just reached.
        """
        ...

    async def recent(
        self, tenant_id: str | None, limit: int, gateway: str | None = None, before: tuple[int, str] | None = None
    ) -> Sequence[ModelCallRecord]:
        """Return the newest calls of a tenant (None: of all, for operators), the newest first; `gateway` "": of none.

        before: (`at_us`, `id`) of the last call that was seen; only those after it in this order come.
        """
        ...

    async def find(self, tenant_id: str, call_id: str) -> ModelCallRecord | None:
        """Return one call of a tenant."""
        ...

    async def usage(self, by: UsageBy, tenant_id: str | None, since_us: int, until_us: int | None = None) -> Sequence[ModelUsage]:
        """Return what was used from `since_us` on, and before `until_us` (None: up to now), the dearest first (days: the newest first).

        tenant None: of all, for operators.
        """
        ...

    async def forget_before(self, time_us: int) -> int:
        """Delete the rows of all tenants that are older; return how many went."""
        ...
