"""Who may know that an entity is there: where only others' private claims speak of it, it is nobody (context contract §6)."""

from collections.abc import Collection, Mapping

from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.stores import ContextRows


def hidden_roots(rows: ContextRows, families: Mapping[int, Collection[int]], audiences: Collection[str] | None) -> frozenset[int]:
    """Return the roots of those `families` of which others' claims speak and none of these audiences; None: nothing is hidden.

    An entity of which no claim speaks is about to be forgotten, and hides nobody's.
    """
    if audiences is None:
        return frozenset()
    heard = rows.spoken_of({member for family in families.values() for member in family}, audiences)
    unheard = {root: family for root, family in families.items() if heard.isdisjoint(family)}
    told = rows.spoken_of({member for family in unheard.values() for member in family})
    return frozenset(root for root, family in unheard.items() if not told.isdisjoint(family))


def seen_by(rows: ContextRows, entity_ids: Collection[int], audiences: Collection[str] | None) -> frozenset[int]:
    """Return those of `entity_ids` that these audiences may know of; None: all of them."""
    if audiences is None or not entity_ids:
        return frozenset(entity_ids)
    roots = roots_of(rows, entity_ids)
    hidden = hidden_roots(rows, families_of(rows, set(roots.values())), audiences)
    return frozenset(each for each in entity_ids if roots[each] not in hidden)
