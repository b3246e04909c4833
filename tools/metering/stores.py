"""What metering must remember, as Protocols; `server/storage` keeps the promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.metering.spending import Amount, BudgetAlert, Charge, Reservation, Settlement


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What may be spent and set aside together; None: as much as comes."""

    nano_usd: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A reservation that is asked for; `ceilings` in the order of its charges."""

    reservation: Reservation
    ceilings: tuple[Ceiling, ...]
    tenant_id: str
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class Counter:
    """How much one budget has spent and set aside in one window, and of whom."""

    charge: Charge
    spent: Amount
    reserved: Amount
    #: the thresholds that were told, in the order in which they were reached
    alerted: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True)
class ClosedCharge:
    """One request of a priced operation that has ended. `settlement` None: nothing was set aside for it."""

    charge_id: str
    tenant_id: str
    at_us: int
    provider: str
    operation: str
    #: the person
    subject: str
    #: ok, error, cancelled
    outcome: str
    cost_nano_usd: int
    trace_id: str
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class OperationUsage:
    """What the requests of one operation came to."""

    operation: str
    calls: int
    errors: int
    cost_nano_usd: int


class OperationChargeStore(Protocol):
    async def append(self, charges: Sequence[ClosedCharge]) -> Sequence[BudgetAlert]:
        """Keep the rows and settle what was set aside for them, all in one transaction; one that is on record changes nothing.

        Returns the budgets' thresholds just reached.
        """
        ...

    async def usage(self, tenant_id: str | None, since_us: int, until_us: int | None = None) -> Sequence[OperationUsage]:
        """Return what each operation came to since then, the dearest first; tenant None: of all, for operators."""
        ...

    async def forget_before(self, time_us: int) -> int:
        """Delete the rows of all tenants that are older; return how many went."""
        ...


class BudgetStore(Protocol):
    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Charge | None]:
        """Set aside what is asked for, one ask after the other, each in all of its charges or in none; all in one transaction.

        Returns for each ask the charge that has no room, or None where it was set aside. What is set aside outlives this process.
        Exact for any number of processes and nodes: no two see the same room.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[BudgetAlert]:
        """Count what was spent and give back what was set aside, in one transaction; a reservation that was settled stays as it is.

        One that was released because its time was up counts all the same: it was spent. Returns the thresholds just reached.
        """
        ...

    async def release(self, reservation_ids: Sequence[str]) -> None:
        """Give back what was set aside for calls that will not be made."""
        ...

    async def release_expired(self, now_us: int) -> int:
        """Give back what was set aside for calls whose process died; return how many there were."""
        ...

    async def counters(self, now_us: int) -> Sequence[Counter]:
        """Return the counters of all windows that `now_us` lies in."""
        ...
