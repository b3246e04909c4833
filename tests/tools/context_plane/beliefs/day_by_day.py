"""Belief worked out day by day, slowly and straight from the words of the contract: what the real one is compared with."""

from collections.abc import Iterable, Sequence

from tools.context_plane.facts import METHODS, Cardinality, Claim

#: before every begin and after every end of the claims that tests make
FIRST, LAST = -3, 16
#: who holds on a day: value, whether others hold as well although one alone can
Held = frozenset[tuple[str, bool]]


def day_by_day(claims: Iterable[Claim], cardinality: Cardinality) -> list[Held]:
    """Return what is believed on each day from FIRST to LAST."""
    stated = [claim for claim in claims if claim.withdrawn_at_us is None and begin_of(claim) < end_of(claim)]
    return [_on(day, stated, cardinality) for day in range(FIRST, LAST)]


def begin_of(claim: Claim) -> int:
    return -1_000 if claim.valid_from_us is None else claim.valid_from_us


def end_of(claim: Claim) -> int:
    return 1_000 if claim.valid_to_us is None else claim.valid_to_us


def _on(day: int, claims: Sequence[Claim], cardinality: Cardinality) -> Held:
    holding = [claim for claim in claims if begin_of(claim) <= day < end_of(claim)]
    if cardinality == "many":
        return frozenset((claim.value or "", False) for claim in holding)
    holding = [claim for claim in holding if not _was_followed(day, claim, claims)]
    if not holding:
        return frozenset()
    best = max(_rank(claim) for claim in holding)
    values = {claim.value or "" for claim in holding if _rank(claim) == best}
    return frozenset((value, len(values) > 1) for value in values)


def _was_followed(day: int, claim: Claim, claims: Iterable[Claim]) -> bool:
    """An open end lasts until another value begins."""
    others = (other for other in claims if other.value != claim.value)
    return claim.valid_to_us is None and any(begin_of(claim) < begin_of(other) <= day for other in others)


def _rank(claim: Claim) -> tuple[int, int, int]:
    return begin_of(claim), -METHODS.index(claim.method), claim.occurred_at_us
