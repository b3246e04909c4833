"""Predicates: whether a subject has many values of one at a time, or one. What is believed follows at once where that changes."""

from collections.abc import Sequence

from tools.context_plane.beliefs.recompute import Difference, recompute
from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import Cardinality, Group, Part
from tools.context_plane.identity.families import roots_of
from tools.context_plane.stores import ContextRows, ContextStore

#: subjects whose belief is worked out in one transaction; everybody else waits for so long
MAX_AT_ONCE = 5_000


def declare(rows: ContextRows, predicate: str, cardinality: Cardinality) -> Difference:
    """Declare a predicate, and work out anew all that is believed of it: claims are kept, so that nothing is lost by a wrong word.

    Raises ContextRefused, conflict, where that takes longer than others should wait.
    """
    predicate = normal_predicate(predicate)
    if rows.cardinalities([predicate]).get(predicate, "many") == cardinality:
        return Difference()
    groups = rows.groups_with(predicate)
    if len(groups) > MAX_AT_ONCE:
        raise ContextRefused(
            "conflict",
            f"{len(groups):,} subjects have a {predicate!r}: that is more than is worked out anew while others wait",
            hint=f"have somebody run `ascend context predicates {predicate!r} --{cardinality}`, which goes through them by and by",
        )
    rows.declare(predicate, cardinality)
    return _worked_out(rows, groups)


async def declare_by_and_by(store: ContextStore, tenant_id: str, predicate: str, cardinality: Cardinality) -> Difference:
    """Declare a predicate like `declare`, of any number of subjects: in one transaction after the other, each of which others can follow.

    What was not reached when this is broken off is worked out with its next claim, or when it is declared again.
    """
    predicate = normal_predicate(predicate)
    await store.change(tenant_id, lambda rows: rows.declare(predicate, cardinality))
    groups = await store.read(tenant_id, lambda rows: rows.groups_with(predicate))
    difference = Difference()
    for begin in range(0, len(groups), MAX_AT_ONCE):
        batch = groups[begin : begin + MAX_AT_ONCE]
        difference += await store.change(tenant_id, lambda rows, batch=batch: _worked_out(rows, batch))  # type: ignore[misc]
    return difference


def normal_predicate(name: str) -> str:
    """Return a predicate as it is kept: "Head  coach" and "head coach" are one."""
    return " ".join(name.split()).casefold()


def _worked_out(rows: ContextRows, groups: Sequence[Group]) -> Difference:
    roots = roots_of(rows, {group.subject_id for group in groups})
    return recompute(rows, {Part(group._replace(subject_id=roots[group.subject_id])) for group in groups})
