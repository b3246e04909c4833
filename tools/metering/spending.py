"""What one call spends, for whom, and what was set aside for it."""

import hashlib
from dataclasses import dataclass, field

from tools.value_objects import value_object


@value_object
class Amount:
    """Money in billionths of a dollar, and tokens."""

    nano_usd: int = 0
    tokens: int = 0


#: A provider may report any number; no call has used more than this, and sums of it fit 63 bits.
MOST_OF_A_CALL = Amount(nano_usd=10**14, tokens=10**12)


@value_object
class Spending:
    """What budgets and limits select on. `candidates`: (provider, model) of every target that may serve the call."""

    tenant_id: str
    gateway: str = ""
    #: the name of the caller's key, which rules select by
    key: str = ""
    #: whom the call is said to be for
    user: str = ""
    #: the route or model that was asked for, or that was taken instead
    requested: str = ""
    candidates: tuple[tuple[str, str], ...] = ()
    #: the key itself, which may have a budget of its own; two keys may have one name while one replaces the other
    key_id: str = ""
    #: who has signed in to call, whomever the call is said to be for: no name takes it out of one's own budget; "": a program's key
    person: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """One counter that a call counts in: a budget, whose (for `*`), and the window."""

    budget: str
    whose: str
    window_start_us: int
    #: None: it never starts anew
    window_end_us: int | None = None
    #: whose calls it counts; "": those of several tenants
    tenant_id: str = ""
    #: (provider, model) of the targets that count in it; empty: whichever answers
    targets: tuple[tuple[str, str], ...] = ()
    #: what is told once a window, when that much is spent
    alerts: tuple[Amount, ...] = ()

    #: the name of the counter, of one length whatever a caller calls itself
    counter_id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = f"{self.tenant_id}\n{self.budget}\n{self.whose}\n{self.window_start_us}"
        object.__setattr__(self, "counter_id", hashlib.sha256(parts.encode(errors="replace")).hexdigest())

    def counts(self, provider: str, model: str) -> bool:
        """Say whether a call that this target answered counts here."""
        return not self.targets or (provider, model) in self.targets


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside in every budget that applies until the call is settled or the time is up."""

    reservation_id: str
    charges: tuple[Charge, ...]
    amount: Amount


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reservation came to: `spent` counts in `charges`, what was set aside comes back in all of them."""

    reservation: Reservation
    spent: Amount
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """A threshold that was just reached; each is told once a window."""

    charge: Charge
    threshold: Amount
    spent: Amount


def settled(reservation: Reservation, spent: Amount, provider: str, model: str) -> Settlement:
    """Return the settlement of a call that this target answered: budgets of other targets get back what they held."""
    most = MOST_OF_A_CALL
    bounded = Amount(max(0, min(spent.nano_usd, most.nano_usd)), max(0, min(spent.tokens, most.tokens)))
    return Settlement(reservation, bounded, tuple(charge for charge in reservation.charges if charge.counts(provider, model)))
