"""Which facts may be answered at all: whose, believed when, true when, about whom, of which predicates (context contract §1, §2)."""

from dataclasses import dataclass

from capability_index.text_index import Mask
from tools.context_plane.facts import Fact
from tools.context_plane.ids import column_of
from tools.context_plane.times import STILL

#: the `source` column of a fact that several sources say: such a one is looked at in the store
SEVERAL_SOURCES = 0


@dataclass(frozen=True, slots=True)
class FactFilter:
    """A conjunction. `as_of_us` None: whatever its window. `about` None: whoever it is about, as subject or as object.

    Believed at K: recorded ≤ K < retired. True at V: from ≤ V < to.
    """

    audiences: tuple[str, ...]
    known_at_us: int
    as_of_us: int | None = None
    about: frozenset[int] | None = None
    predicates: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def masks(self) -> tuple[Mask, ...]:
        """Return what an index is searched with; what any of them leaves may fit, and nothing else does."""
        at_most = {"recorded_at": self.known_at_us}
        more_than = {"retired_at": self.known_at_us}
        if self.as_of_us is not None:
            at_most["valid_from"] = more_than["valid_to"] = self.as_of_us
        among = {"audience": [column_of(audience) for audience in self.audiences]}
        if self.predicates:
            among["predicate"] = [column_of(predicate) for predicate in sorted(self.predicates)]
        if self.sources:
            among["source"] = [SEVERAL_SOURCES, *(column_of(source) for source in sorted(self.sources))]
        if self.about is None:
            return (Mask(at_most, more_than, among),)
        return tuple(Mask(at_most, more_than, {**among, side: sorted(self.about)}) for side in ("subject", "object"))

    def refusals(self, fact: Fact) -> tuple[str, ...]:
        """Return what keeps `fact` out, each in words; sources are not in a fact, so whoever has them looks at those.

        The audience is not among them: a fact of somebody else is one that is not there.
        """
        belief = fact.belief
        found = []
        if fact.recorded_at_us > self.known_at_us:
            found.append("known_at: it was not yet believed then")
        if fact.retired_at_us is not None and fact.retired_at_us <= self.known_at_us:
            found.append("known_at: it was no longer believed then")
        if self.as_of_us is not None and belief.valid_from_us is not None and belief.valid_from_us > self.as_of_us:
            found.append("as_of: it begins later")
        if self.as_of_us is not None and (STILL if belief.valid_to_us is None else belief.valid_to_us) <= self.as_of_us:
            found.append("as_of: it had ended")
        if self.about is not None and self.about.isdisjoint((fact.group.subject_id, belief.object_id or 0)):
            found.append("entities: it is about others")
        if self.predicates and fact.group.predicate not in self.predicates:
            found.append("predicates: it says something else")
        return tuple(found)

    def sees(self, fact: Fact) -> bool:
        """Say whether the fact is there at all for whoever asks."""
        return fact.group.audience in self.audiences

    def permits(self, fact: Fact) -> bool:
        """Say whether `fact` may be answered; of its sources nothing is said."""
        return self.sees(fact) and not self.refusals(fact)
