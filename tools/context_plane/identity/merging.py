"""Two entities are one, or are not after all: links are made and undone, and what is believed follows (context contract §1, Identity)."""

from collections.abc import Collection

from tools.context_plane.beliefs.recompute import Difference, recompute
from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.facts import Part
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.ids import ENTITY, id_text
from tools.context_plane.stores import ContextRows


def merge(rows: ContextRows, entity_id: int, into_id: int, by: str) -> Difference:
    """Let `into_id` stand for `entity_id` and all that is merged into it; `by`: who says so.

    Nothing of either is changed but whom its facts stand under, so that `unmerge` gives back what was. Raises ContextRefused:
    not_found, and conflict where it is merged already, or where the two would stand for each other.
    """
    entities = rows.entities({entity_id, into_id})
    if entities.keys() != {entity_id, into_id}:
        raise nothing_there("entity")
    if (already := entities[entity_id].merged_into) is not None:
        raise ContextRefused(
            "conflict", f"{_text(entity_id)} is merged into {_text(already)} already", hint="undo that first, or merge the other one"
        )
    if roots_of(rows, [into_id])[into_id] == entity_id:
        raise ContextRefused(
            "conflict", f"{_text(into_id)} stands under {_text(entity_id)}: the two would stand for each other", hint="they are one already"
        )
    before = _parts_about(rows, entity_id)
    rows.link(entity_id, into_id, by)
    return recompute(rows, before | _parts_about(rows, entity_id))


def unmerge(rows: ContextRows, entity_id: int) -> Difference:
    """Let an entity stand for itself again. Raises ContextRefused: not_found, and conflict where it does so."""
    entity = rows.entities([entity_id]).get(entity_id)
    if entity is None:
        raise nothing_there("entity")
    if entity.merged_into is None:
        raise ContextRefused("conflict", f"{_text(entity_id)} is merged into no other", hint="undo the link of the one that is")
    before = _parts_about(rows, entity_id)
    rows.unlink(entity_id)
    return recompute(rows, before | _parts_about(rows, entity_id))


def _parts_about(rows: ContextRows, entity_id: int) -> set[Part]:
    """Return the groups, as they stand now, of all claims about an entity and those merged into it, as subject or as object."""
    family: Collection[int] = families_of(rows, [entity_id])[entity_id]
    groups = rows.groups_about(family)
    roots = roots_of(rows, {group.subject_id for group in groups})
    return {Part(group._replace(subject_id=roots[group.subject_id])) for group in groups}


def _text(entity_id: int) -> str:
    return id_text(ENTITY, entity_id)
