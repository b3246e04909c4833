"""Claims that are forgotten: deleted, with every fact that only they said; what they had cut is believed again."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from tools.context_plane.beliefs.recompute import recompute
from tools.context_plane.facts import Claim, Fact, Group, Part
from tools.context_plane.identity.families import once_together, roots_of
from tools.context_plane.stores import ContextRows


def forget_claims(rows: ContextRows, claims: Sequence[Claim]) -> None:
    """Delete claims and what rests on them alone, believed now or once; entities of which nothing is known any more go too.

    A fact that others say as well stays, and names these alone.
    """
    gone = {claim.claim_id for claim in claims}
    groups = {claim.group for claim in claims}
    hit = [fact for fact in _touched(rows, groups) if not gone.isdisjoint(fact.belief.claim_ids)]
    left = [replace(fact, belief=replace(fact.belief, claim_ids=_without(fact, gone))) for fact in hit]
    rows.delete_facts([fact for fact in left if not fact.belief.claim_ids])
    rows.name_claims([fact for fact in left if fact.belief.claim_ids])
    rows.delete_claims(gone)
    roots = roots_of(rows, {group.subject_id for group in groups})
    recompute(rows, {Part(group._replace(subject_id=roots[group.subject_id])) for group in groups})
    _forget_unknown(rows, {each for claim in claims for each in (claim.subject_id, claim.object_id) if each is not None})


def _touched(rows: ContextRows, groups: Collection[Group]) -> Sequence[Fact]:
    """Return what was ever believed because of claims of these groups; while entities were one, it stood under the other's number."""
    ever = {group._replace(subject_id=subject_id) for group in groups for subject_id in once_together(rows, [group.subject_id])}
    return rows.history_of(ever)


def _without(fact: Fact, gone: Collection[int]) -> tuple[int, ...]:
    return tuple(claim_id for claim_id in fact.belief.claim_ids if claim_id not in gone)


def _forget_unknown(rows: ContextRows, entity_ids: Collection[int]) -> None:
    """Delete entities that no claim is about and that stand for no other."""
    left = set(entity_ids)
    while left:
        about = rows.claims_about(left)
        known = {each for claim in about for each in (claim.subject_id, claim.object_id)}
        standing = rows.merged_into(left)
        unknown = {each for each in left if each not in known and each not in standing}
        into = {entity.merged_into for entity in rows.entities(unknown).values()}
        rows.delete_entities(unknown)
        # Those that these were merged into may have stood for nobody else.
        left = {each for each in into if each is not None}
