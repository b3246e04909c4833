"""Which of several reservations fit: the one rule of budgets, the same for every store."""

from collections.abc import MutableMapping, Sequence

from tools.metering.spending import Amount, Charge
from tools.metering.stores import Ask, Ceiling


def admit(asks: Sequence[Ask], used: MutableMapping[str, Amount]) -> list[Charge | None]:
    """Take the asks in their order and return for each the charge without room, or None where it fits.

    `used`: counter id -> spent and set aside together; what fits is added to it, in all charges of an ask or in none.
    """
    return [_admit(ask, used) for ask in asks]


def _admit(ask: Ask, used: MutableMapping[str, Amount]) -> Charge | None:
    most, charges = ask.reservation.amount, ask.reservation.charges
    ids = [charge.counter_id for charge in charges]
    for charge, counter_id, ceiling in zip(charges, ids, ask.ceilings, strict=True):
        if not _fits(used[counter_id], most, ceiling):
            return charge
    for counter_id in ids:
        before = used[counter_id]
        used[counter_id] = Amount(before.nano_usd + most.nano_usd, before.tokens + most.tokens)
    return None


def _fits(used: Amount, most: Amount, ceiling: Ceiling) -> bool:
    # To the last one: a budget of exactly what a call costs holds that call, and not one more that costs anything.
    fits_usd = ceiling.nano_usd is None or used.nano_usd + most.nano_usd <= ceiling.nano_usd
    return fits_usd and (ceiling.tokens is None or used.tokens + most.tokens <= ceiling.tokens)
