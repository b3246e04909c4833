"""Who may be the same: for a person, or a model, to decide (context contract §1, Identity)."""

from collections.abc import Collection
from dataclasses import dataclass

from tools.context_plane.errors import nothing_there
from tools.context_plane.facts import Entity
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.identity.keys import Key, in_conflict
from tools.context_plane.identity.likeness import alike
from tools.context_plane.identity.names import similarity
from tools.context_plane.identity.sight import seen_by
from tools.context_plane.stores import ContextRows

#: of one kind whose names are compared; the first of them by name where there are more
MAX_COMPARED = 50_000


@dataclass(frozen=True, slots=True)
class Proposal:
    other: Entity
    #: of the names: shared trigrams, 0 to 1
    similarity: float
    shared_keys: tuple[Key, ...]
    #: they have different keys of one kind, like two record ids of one source
    is_in_conflict: bool


def proposals_for(rows: ContextRows, entity_id: int, audiences: Collection[str] | None, limit: int = 10) -> list[Proposal]:
    """Return who may be the same as `entity_id`, the most likely first: names half alike or more within one kind, or a key in common.

    `audiences`: those are left out of which these may not know; None: nobody.

    Those without a conflicting key come before those with one. Raises ContextRefused: not_found.
    """
    entity = rows.entities([entity_id]).get(entity_id)
    if entity is None or not seen_by(rows, [entity_id], audiences):
        raise nothing_there("entity")
    root = roots_of(rows, [entity_id])[entity_id]
    family = families_of(rows, [root])[root]
    own = {(key.key_kind, key.key) for keys in rows.keys_of(family).values() for key in keys}
    sharing = {other for ids in rows.entities_by_key(own).values() for other in ids}
    named = {other for ids in rows.entities_by_name([("", entity.normal_name)]).values() for other in ids}
    of_like_name = {other for _entity, other in alike([entity], rows.entities_of_kind(entity.kind, MAX_COMPARED))}
    candidates = (sharing | named | of_like_name) - family
    roots = seen_by(rows, {each for each in roots_of(rows, candidates).values() if each != root}, audiences)
    keys_of = rows.keys_of(roots)
    proposals = []
    for other in rows.entities(roots).values():
        keys = {(key.key_kind, key.key) for key in keys_of.get(other.entity_id, ())}
        proposals.append(
            Proposal(
                other=other,
                similarity=similarity(entity.normal_name, other.normal_name),
                shared_keys=tuple(sorted(own & keys)),
                is_in_conflict=in_conflict(own, keys),
            )
        )
    proposals.sort(key=lambda each: (each.is_in_conflict, not each.shared_keys, -each.similarity, each.other.entity_id))
    return proposals[:limit]
