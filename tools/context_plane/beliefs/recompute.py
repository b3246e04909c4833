"""The difference between what is on record and what the claims come to: what vanished is retired, what is new is added."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from tools.context_plane.beliefs.beliefs_of import beliefs_of
from tools.context_plane.facts import Belief, Cardinality, Claim, Fact, Group, Part
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.ids import new_id
from tools.context_plane.stores import ContextRows

#: parts that are worked out in one go
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change made of the groups that it touched."""

    added: tuple[Fact, ...] = ()
    retired: tuple[Fact, ...] = ()
    #: as it was before
    kept: tuple[Fact, ...] = ()
    #: predicates among them that have one value at a time
    one_valued: frozenset[str] = frozenset()
    #: claims that were read for one part, at most
    most_claims: int = 0

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            added=self.added + other.added,
            retired=self.retired + other.retired,
            kept=self.kept + other.kept,
            one_valued=self.one_valued | other.one_valued,
            most_claims=max(self.most_claims, other.most_claims),
        )

    @property
    def believed(self) -> tuple[Fact, ...]:
        return self.kept + self.added


def recompute(rows: ContextRows, parts: Collection[Part]) -> Difference:
    """Bring the facts of `parts` to what their claims come to, and return the difference.

    A group whose predicate has one value at a time is always worked out whole. A group of an entity that is merged into another has
    no facts of its own.
    """
    ordered = sorted(set(parts), key=lambda part: (part.group, part.said or 0))
    cardinality_by_predicate = rows.cardinalities({part.group.predicate for part in ordered})
    difference = Difference(one_valued=frozenset(name for name, each in cardinality_by_predicate.items() if each == "one"))
    for cardinality in get_args(Cardinality):
        concerned = [part for part in ordered if cardinality_by_predicate.get(part.group.predicate, "many") == cardinality]
        if cardinality == "one":
            concerned = [Part(group) for group in dict.fromkeys(part.group for part in concerned)]
        for begin in range(0, len(concerned), BATCH):
            difference += _recomputed(rows, concerned[begin : begin + BATCH], cardinality)
    return difference


def _recomputed(rows: ContextRows, parts: Collection[Part], cardinality: Cardinality) -> Difference:
    claims_by_group = claims_of(rows, parts)
    facts_by_group: defaultdict[Group, dict[Belief, Fact]] = defaultdict(dict)
    for fact in rows.facts_of(parts):
        facts_by_group[fact.group][fact.belief] = fact
    added: list[tuple[Group, Belief]] = []
    retired: list[Fact] = []
    kept: list[Fact] = []
    for group in dict.fromkeys(part.group for part in parts):
        before = facts_by_group[group]
        after = dict.fromkeys(beliefs_of(claims_by_group.get(group, ()), cardinality))
        added += [(group, belief) for belief in after if belief not in before]
        kept += [before[belief] for belief in after if belief in before]
        retired += [fact for belief, fact in before.items() if belief not in after]
    rows.retire_facts([fact.fact_id for fact in retired])
    facts = _facts(rows, added)
    rows.add_facts(facts)
    return Difference(
        added=tuple(facts), retired=tuple(retired), kept=tuple(kept), most_claims=_most_together(claims_by_group, cardinality)
    )


def _most_together(claims_by_group: Mapping[Group, Collection[Claim]], cardinality: Cardinality) -> int:
    """Return how many claims are worked out together, at most: those of a group, or of one value where there are many."""
    if cardinality == "one":
        return max(map(len, claims_by_group.values()), default=0)
    return max((most for claims in claims_by_group.values() for most in Counter(claim.said for claim in claims).values()), default=0)


def claims_of(rows: ContextRows, parts: Collection[Part]) -> Mapping[Group, list[Claim]]:
    """Return the claims of each part, and of whatever is merged into its subject and object, as if they stood under these."""
    # What is said is the number of an object, or that of a value, which no entity has.
    numbers = {part.group.subject_id for part in parts} | {part.said for part in parts if part.said is not None}
    roots = roots_of(rows, numbers)
    families = families_of(rows, {number for number in numbers if roots[number] == number})
    group_of: dict[Group, Group] = {}
    members: list[Part] = []
    for group, said in parts:
        for subject_id in families.get(group.subject_id, ()):
            member = group._replace(subject_id=subject_id)
            group_of[member] = group
            members += [Part(member, each) for each in ([None] if said is None else families.get(said, ()))]
    claims = rows.claims_of(members)
    objects = roots_of(rows, {claim.object_id for claim in claims if claim.object_id is not None})
    found: defaultdict[Group, list[Claim]] = defaultdict(list)
    for claim in claims:
        group, root = group_of[claim.group], None if claim.object_id is None else objects[claim.object_id]
        is_own = claim.subject_id == group.subject_id and claim.object_id == root
        found[group].append(claim if is_own else replace(claim, subject_id=group.subject_id, object_id=root))
    return found


def _facts(rows: ContextRows, believed: Collection[tuple[Group, Belief]]) -> list[Fact]:
    subjects = {group.subject_id for group, _belief in believed}
    objects = {belief.object_id for _group, belief in believed if belief.object_id is not None}
    names = {entity_id: entity.name for entity_id, entity in rows.entities(subjects | objects).items()} if believed else {}
    return [
        Fact(
            fact_id=new_id(),
            group=group,
            belief=belief,
            text=sentence(names[group.subject_id], group.predicate, belief.value if belief.object_id is None else names[belief.object_id]),
            recorded_at_us=rows.now_us,
        )
        for group, belief in believed
    ]


def sentence(subject: str, predicate: str, said: str | None) -> str:
    """Write a fact as it is shown and indexed: "Kahuna stage closed won"."""
    return " ".join((subject, predicate.replace("_", " "), said or ""))
