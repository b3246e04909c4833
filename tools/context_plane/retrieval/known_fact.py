"""A fact with everything that is shown of it, read within one snapshot of the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tools.context_plane.facts import Claim, Entity, Episode, Fact
from tools.context_plane.stores import ContextRows


@dataclass(frozen=True, slots=True)
class Said:
    """One claim, and the episode that makes it."""

    claim: Claim
    episode: Episode

    @property
    def quote(self) -> str:
        """Return the words in which it is said, where they are known: a slice of what the source sent."""
        if self.claim.start is None or self.claim.end is None:
            return ""
        return self.episode.content[self.claim.start : self.claim.end]


@dataclass(frozen=True, slots=True)
class KnownFact:
    """`said`: who says it, the latest word first."""

    fact: Fact
    subject: Entity
    object: Entity | None
    said: tuple[Said, ...]

    @property
    def value(self) -> str:
        """Return what is said of the subject, in words."""
        return self.object.name if self.object is not None else self.fact.belief.value or ""

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(each.episode.source for each in self.said)

    @property
    def entities(self) -> tuple[Entity, ...]:
        return (self.subject,) if self.object is None else (self.subject, self.object)


def entities_of(rows: ContextRows, facts: Sequence[Fact]) -> Mapping[int, Entity]:
    """Return whom `facts` are about, as subject or as object."""
    numbers = {fact.group.subject_id for fact in facts}
    return rows.entities(numbers | {fact.belief.object_id for fact in facts if fact.belief.object_id is not None})


def known_facts(rows: ContextRows, facts: Sequence[Fact], entities: Mapping[int, Entity] | None = None) -> list[KnownFact]:
    """Return `facts` with what is said of them, in their order: three statements, however many they are.

    `entities`: whom they are about, where that is known.
    """
    entities = entities_of(rows, facts) if entities is None else entities
    claims = rows.claims({claim_id for fact in facts for claim_id in fact.belief.claim_ids})
    episodes = rows.episodes({claim.episode_id for claim in claims.values()})
    return [_known(fact, entities, claims, episodes) for fact in facts]


def of_sources(rows: ContextRows, facts: Sequence[Fact], sources: Collection[str]) -> list[Fact]:
    """Return those of `facts` that one of `sources` says."""
    return [known.fact for known in known_facts(rows, facts) if not known.sources.isdisjoint(sources)]


def _known(fact: Fact, entities: Mapping[int, Entity], claims: Mapping[int, Claim], episodes: Mapping[int, Episode]) -> KnownFact:
    said = [Said(claim, episodes[claim.episode_id]) for each in fact.belief.claim_ids if (claim := claims.get(each)) is not None]
    said.sort(key=lambda each: (-each.episode.occurred_at_us, each.claim.claim_id))
    about, said_id = fact.group.subject_id, fact.belief.object_id
    # A name that is gone leaves the fact readable by its text.
    subject = entities.get(about) or Entity(about, "", "", "")
    return KnownFact(fact, subject, None if said_id is None else entities.get(said_id) or Entity(said_id, "", "", ""), tuple(said))
