"""Claims that are forgotten: deleted, with every fact that only they said; what they had cut is believed again."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from tools.context_plane.beliefs.recompute import recompute
from tools.context_plane.facts import Claim, Fact, Part, said_number
from tools.context_plane.identity.families import once_together, roots_of
from tools.context_plane.stores import ContextRows


def forget_claims(rows: ContextRows, claims: Sequence[Claim], but: Collection[int] = ()) -> None:
    """Delete claims and what rests on them alone, believed now or once; entities of which nothing is known any more go too, `but` these.

    A fact that others say as well stays, and names these alone.
    """
    gone = {claim.claim_id for claim in claims}
    hit = [fact for fact in rows.ever_believed(_ever(rows, claims)) if not gone.isdisjoint(fact.belief.claim_ids)]
    left = [replace(fact, belief=replace(fact.belief, claim_ids=_without(fact, gone))) for fact in hit]
    rows.delete_facts([fact for fact in left if not fact.belief.claim_ids])
    rows.name_claims([fact for fact in left if fact.belief.claim_ids])
    rows.delete_claims(gone)
    recompute(rows, parts_of(rows, claims))
    spoken_of = {each for claim in claims for each in (claim.subject_id, claim.object_id) if each is not None}
    _forget_unknown(rows, spoken_of - set(but))


def parts_of(rows: ContextRows, claims: Sequence[Claim]) -> set[Part]:
    """Return what is worked out with these claims now."""
    entities = {each for claim in claims for each in (claim.subject_id, claim.object_id) if each is not None}
    roots = roots_of(rows, entities)
    return {
        Part(
            claim.group._replace(subject_id=roots[claim.subject_id]),
            said_number(None if claim.object_id is None else roots[claim.object_id], claim.value),
        )
        for claim in claims
    }


def _ever(rows: ContextRows, claims: Sequence[Claim]) -> set[Part]:
    """Return what was ever worked out with these claims: while entities were one, under the other's number."""
    ever = once_together(rows, {each for claim in claims for each in (claim.subject_id, claim.object_id) if each is not None})
    return {
        Part(claim.group._replace(subject_id=subject_id), said)
        for claim in claims
        for subject_id in ever[claim.subject_id]
        for said in (ever[claim.object_id] if claim.object_id is not None else (said_number(None, claim.value),))
    }


def _without(fact: Fact, gone: Collection[int]) -> tuple[int, ...]:
    return tuple(claim_id for claim_id in fact.belief.claim_ids if claim_id not in gone)


def _forget_unknown(rows: ContextRows, entity_ids: Collection[int]) -> None:
    """Delete entities that no claim is about and that stand for no other."""
    left = set(entity_ids)
    while left:
        unknown = left - rows.spoken_of(left) - rows.merged_into(left).keys()
        into = {entity.merged_into for entity in rows.entities(unknown).values()}
        rows.delete_entities(unknown)
        # Those that these were merged into may have stood for nobody else.
        left = {each for each in into if each is not None}
