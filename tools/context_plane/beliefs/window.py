"""Window: when a claim holds, as whole numbers on both sides."""

from collections.abc import Iterable
from dataclasses import dataclass

from tools.context_plane.facts import METHODS, Belief, Claim, FactState
from tools.context_plane.times import SINCE_EVER, STILL

#: claims that a belief names; more of them make it no surer, and would grow with each repetition
MAX_CLAIM_IDS = 32
METHOD_RANK = {method: rank for rank, method in enumerate(METHODS)}
#: object_id, value
Said = tuple[int | None, str | None]


@dataclass(frozen=True, slots=True)
class Window:
    """A claim from `begin` until `end`, which is not in it any more."""

    begin: int
    end: int
    claim: Claim

    @property
    def is_open(self) -> bool:
        return self.end == STILL


def windows_of(claims: Iterable[Claim]) -> list[Window]:
    """Return the windows of the claims that stand: not withdrawn, and true for at least a moment."""
    windows = [
        Window(
            SINCE_EVER if claim.valid_from_us is None else claim.valid_from_us,
            STILL if claim.valid_to_us is None else claim.valid_to_us,
            claim,
        )
        for claim in claims
        if claim.withdrawn_at_us is None
    ]
    return [window for window in windows if window.begin < window.end]


def belief_of(said: Said, state: FactState, begin: int, end: int, supporting: Iterable[Claim]) -> Belief:
    """Return the belief in what `supporting` claims say, from `begin` until `end`."""
    claims = sorted(supporting, key=lambda claim: (METHOD_RANK[claim.method], claim.occurred_at_us, claim.claim_id))
    object_id, value = said
    return Belief(
        object_id=object_id,
        value=value,
        valid_from_us=None if begin == SINCE_EVER else begin,
        valid_to_us=None if end == STILL else end,
        confidence=max(claim.confidence for claim in claims),
        state=state,
        claim_ids=tuple(sorted(claim.claim_id for claim in claims[:MAX_CLAIM_IDS])),
    )


def in_order(beliefs: Iterable[Belief]) -> tuple[Belief, ...]:
    """Return beliefs by their begin, and by what they say."""

    def key(belief: Belief) -> tuple[int, int, str]:
        begin = SINCE_EVER if belief.valid_from_us is None else belief.valid_from_us
        return begin, belief.object_id or 0, belief.value or ""

    return tuple(sorted(beliefs, key=key))


def overlap(one: Belief | Claim, other: Belief | Claim) -> bool:
    """Say whether there is a moment at which both hold."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: Belief | Claim, other: Belief | Claim) -> bool:
    return one.valid_from_us is None or other.valid_to_us is None or one.valid_from_us < other.valid_to_us
