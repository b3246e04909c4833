"""Numbers that name rows, and how they are written: `fct_1k9…`. The same number is a row's id in the index."""

import hashlib
import secrets

#: 63 bits: what a BIGINT and an int64 column of the index hold
_MOST = 2**63 - 1
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"

EPISODE, ENTITY, CLAIM, FACT, DOCUMENT, CHUNK, EVALUATION, QUERY = "epi", "ent", "clm", "fct", "doc", "chk", "evl", "qry"


def new_id() -> int:
    """Return a number that nobody guesses and that is in use nowhere (63 random bits); never 0."""
    return secrets.randbelow(_MOST) + 1


def id_text(prefix: str, number: int) -> str:
    """Write a number as callers see it."""
    digits = ""
    while number:
        number, last = divmod(number, 32)
        digits = _DIGITS[last] + digits
    return f"{prefix}_{digits}"


def id_number(prefix: str, text: str) -> int | None:
    """Read what `id_text` wrote; None where it is nothing of that kind, which is answered like an id that is not there."""
    head, _, digits = text.partition("_")
    if head != prefix or not 0 < len(digits) <= 13 or any(digit not in _DIGITS for digit in digits):
        return None
    number = 0
    for digit in digits:
        number = number * 32 + _DIGITS.index(digit)
    return number if 0 < number <= _MOST else None


def person_number(subject: str) -> int:
    """Return the number under which a person's share of what is kept is counted; 0 for nobody, like whoever runs the gateway."""
    return column_of(subject) if subject else 0


def column_of(text: str) -> int:
    """Return the number that stands for a text in an int64 column: the first 8 bytes of its BLAKE2b hash, signed."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
