"""Predicates: whether a subject has many values of one at a time, or one. What is believed follows at once where that changes."""

from tools.context_plane.beliefs.recompute import Difference, recompute
from tools.context_plane.facts import Cardinality, Part
from tools.context_plane.identity.families import roots_of
from tools.context_plane.stores import ContextRows


def declare(rows: ContextRows, predicate: str, cardinality: Cardinality) -> Difference:
    """Declare a predicate, and work out anew all that is believed of it: claims are kept, so that nothing is lost by a wrong word."""
    predicate = " ".join(predicate.split()).casefold()
    if rows.cardinalities([predicate]).get(predicate, "many") == cardinality:
        return Difference()
    rows.declare(predicate, cardinality)
    groups = rows.groups_with(predicate)
    roots = roots_of(rows, {group.subject_id for group in groups})
    return recompute(rows, {Part(group._replace(subject_id=roots[group.subject_id])) for group in groups})
