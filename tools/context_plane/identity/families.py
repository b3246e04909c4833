"""Families: entities that are one because links say so, under the one that stands for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from tools.context_plane.stores import EntityRows


def roots_of(rows: EntityRows, entity_ids: Collection[int]) -> Mapping[int, int]:
    """Return which entity stands for each of these: itself, unless it is merged into another. An unknown one stands for itself."""
    root_by_id = {entity_id: entity_id for entity_id in entity_ids}
    while True:
        entities = rows.entities(set(root_by_id.values()))
        into = {entity_id: entity.merged_into for entity_id, entity in entities.items() if entity.merged_into is not None}
        if not into:
            return root_by_id
        root_by_id = {entity_id: into.get(root, root) for entity_id, root in root_by_id.items()}


def families_of(rows: EntityRows, roots: Collection[int]) -> Mapping[int, frozenset[int]]:
    """Return for each root all that it stands for, itself too."""
    root_by_id = {root: root for root in roots}
    newest: Collection[int] = set(roots)
    while newest:
        merged = rows.merged_into(newest)
        root_by_id |= {member: root_by_id[into] for into, members in merged.items() for member in members}
        newest = {member for members in merged.values() for member in members}
    families: dict[int, set[int]] = {root: set() for root in roots}
    for member, root in root_by_id.items():
        families[root].add(member)
    return {root: frozenset(members) for root, members in families.items()}


def once_together(rows: EntityRows, entity_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
    """Return for each of these itself and all under whose numbers its facts may have stood at any time."""
    known, newest = set(entity_ids), set(entity_ids)
    sides: defaultdict[int, set[int]] = defaultdict(set)
    while newest:
        links = rows.links_of(newest)
        for link in links:
            sides[link.entity_id].add(link.into_id)
            sides[link.into_id].add(link.entity_id)
        newest = {side for link in links for side in (link.entity_id, link.into_id)} - known
        known |= newest
    return {entity_id: _reached(entity_id, sides) for entity_id in entity_ids}


def _reached(entity_id: int, sides: Mapping[int, Collection[int]]) -> frozenset[int]:
    reached, newest = {entity_id}, [entity_id]
    while newest:
        newest = [each for one in newest for each in sides.get(one, ()) if each not in reached]
        reached.update(newest)
    return frozenset(reached)
