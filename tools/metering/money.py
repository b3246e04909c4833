"""Money between people and counters: dollars as they are written, billionths of a dollar as they are counted."""

from decimal import Decimal, InvalidOperation

NANO = 1_000_000_000
#: a million dollars in one amount is a slip of the finger, and sums of amounts must fit 63 bits
MAX_USD = 1_000_000


def to_nano_usd(usd: Decimal | float | str) -> int:
    """Return dollars as billionths, rounded to the nearest. Raises ValueError for what is no amount from 0 to MAX_USD."""
    try:
        # By its shortest text: 0.1 means a tenth, not the binary fraction next to it.
        amount = Decimal(str(usd))
    except InvalidOperation as error:
        raise ValueError(f"{str(usd)[:40]!r} is no amount of dollars; write it like 12.50") from error
    if not (amount.is_finite() and 0 <= amount <= MAX_USD):
        raise ValueError(f"{str(usd)[:40]} is not an amount from 0 to {MAX_USD:,} dollars")
    return int((amount * NANO).to_integral_value())


def to_usd(nano_usd: int) -> float:
    """Return billionths as dollars, for people and JSON."""
    return nano_usd / NANO
