"""What became of each fact that was asserted, read off the difference that it made."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.context_plane.beliefs.recompute import Difference
from tools.context_plane.beliefs.window import overlap
from tools.context_plane.facts import Claim, Fact, Group, Part, said_number
from tools.context_plane.ids import FACT, id_text
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one fact that was asserted."""

    #: what says so now; None: refused, or others outrank it
    fact: Fact | None = None
    #: it was not believed before
    is_new: bool = False
    #: of other values: retired because of it, in conflict with it, or stronger than it
    superseded: tuple[int, ...] = ()
    conflict: tuple[int, ...] = ()
    outranked_by: tuple[int, ...] = ()
    refused: str | None = None

    def plain(self) -> dict[str, Json]:
        """Return it as callers are told."""
        if self.refused is not None:
            word = "refused"
        elif self.fact is None:
            word = "outranked"
        else:
            word = "added" if self.is_new else "supported"
        return {
            "outcome": word,
            "id": None if self.fact is None else id_text(FACT, self.fact.fact_id),
            "added": word == "added",
            "supported": word == "supported",
            "superseded": [id_text(FACT, each) for each in self.superseded],
            "conflict": [id_text(FACT, each) for each in self.conflict],
            "outranked_by": [id_text(FACT, each) for each in self.outranked_by],
            "refused": None if self.refused is None else {"why": self.refused},
        }


class Outcomes:
    """What is believed after an assertion, looked up by what was said."""

    def __init__(self, difference: Difference) -> None:
        self._one_valued = difference.one_valued
        self._added = {fact.fact_id for fact in difference.added}
        self._believed = _by_group(difference.believed)
        self._retired = _by_group(difference.retired)
        self._same = _by_part(difference.believed)
        self._same_before = _by_part((*difference.retired, *difference.kept))

    def of(self, claim: Claim, *, is_new: bool) -> Outcome:
        """Return what became of `claim`. What is said twice in one call is new once."""
        if claim.withdrawn_at_us is not None:
            return Outcome(refused="its episode said so before, and that was withdrawn; if it holds all the same, say who says so now")
        part = Part(claim.group, said_number(*claim.said))
        same = [fact for fact in self._same.get(part, ()) if overlap(fact.belief, claim)]
        fact = next((each for each in same if claim.claim_id in each.belief.claim_ids), same[0] if same else None)
        others = self._others(self._believed, claim)
        if fact is None:
            return Outcome(outranked_by=tuple(each.fact_id for each in others))
        was_there = any(overlap(before.belief, claim) for before in self._same_before.get(part, ()))
        is_conflict = fact.belief.state == "conflict"
        in_conflict = [each.fact_id for each in others if each.belief.state == "conflict" and overlap(each.belief, fact.belief)]
        return Outcome(
            fact=fact,
            is_new=is_new and not was_there and fact.fact_id in self._added,
            superseded=() if is_conflict else tuple(each.fact_id for each in self._others(self._retired, claim)),
            conflict=tuple(in_conflict) if is_conflict else (),
        )

    def _others(self, facts: Mapping[Group, Sequence[Fact]], claim: Claim) -> list[Fact]:
        """Return facts that say something else while `claim` holds, where only one thing can."""
        if claim.predicate not in self._one_valued:
            return []
        return [fact for fact in facts.get(claim.group, ()) if fact.belief.said != claim.said and overlap(fact.belief, claim)]


def _by_group(facts: Iterable[Fact]) -> Mapping[Group, Sequence[Fact]]:
    found: defaultdict[Group, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.group].append(fact)
    return found


def _by_part(facts: Iterable[Fact]) -> Mapping[Part, Sequence[Fact]]:
    found: defaultdict[Part, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[Part(fact.group, said_number(*fact.belief.said))].append(fact)
    return found
