"""What one call spends, for whom, and what was set aside for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in billionths of a dollar, and tokens."""

    nano_usd: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """What budgets and limits select on. `candidates`: (provider, model) of every target that may serve the call."""

    tenant_id: str
    gateway: str = ""
    #: the name of the caller's key, which rules select by, and its id, which has a budget of its own
    key: str = ""
    key_id: str = ""
    user: str = ""
    #: the route or model that was asked for
    requested: str = ""
    candidates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """One counter that a call counts in: a budget, whose (for `*`), and the window."""

    budget: str
    whose: str
    window_start_us: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside in every budget that applies until the call is settled or the time is up."""

    reservation_id: str
    charges: tuple[Charge, ...]
    amount: Amount
