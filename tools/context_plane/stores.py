"""What the context plane must remember, as Protocols; `server/storage/context_plane` keeps the promises.

Decisions are made here, in `tools`, and run inside the store's transaction: `change` hands over the rows of one tenant, and
nothing of it is kept where the work raises. Work is plain code in one thread of the store's, never on the loop.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tools.context_plane.facts import Cardinality, Claim, Entity, EntityKey, EntityLink, Episode, Fact, Group, Part
from tools.context_plane.identity.pair import Decision, PairKey
from tools.context_plane.quotas import ContextQuotas, Kept, KeptByPerson

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Scope:
    """Who looks: one tenant, and whose private rows besides what everybody of it may see. From a principal alone."""

    tenant_id: str
    subject: str

    @property
    def audiences(self) -> tuple[str, ...]:
        return ("", self.subject)


@dataclass(frozen=True, slots=True)
class EpisodeVersion:
    """An episode without its words: one version of what a source has under an id."""

    episode_id: int
    audience: str
    source: str
    source_id: str
    content_hash: str
    kind: str
    occurred_at_us: int


@dataclass(frozen=True, slots=True)
class IndexedFact:
    """A fact with the words that it is found by."""

    fact: Fact
    subject: str
    #: the object's name, or the value
    said: str
    #: of its claims' episodes
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactNews:
    """What changed up to `revision`; `is_all` False: ask again from there. `gone`: forgotten facts, by number alone."""

    facts: tuple[IndexedFact, ...]
    gone: tuple[int, ...]
    revision: int
    is_all: bool


class EpisodeRows(Protocol):
    """Sources, and what they said."""

    def known_episode(self, audience: str, source: str, source_id: str, content_hash: str) -> Episode | None: ...
    def add_episodes(self, episodes: Sequence[Episode]) -> None: ...
    def episodes(self, episode_ids: Collection[int]) -> Mapping[int, Episode]: ...

    def versions_of(self, source: str, source_ids: Collection[str]) -> Mapping[str, Sequence[EpisodeVersion]]:
        """Return the episodes of each id that a source gave, of every audience."""
        ...

    def versions_between(self, source: str, from_us: int, to_us: int) -> Sequence[EpisodeVersion]:
        """Return a source's episodes that occurred in [from, to), of every audience."""
        ...

    def claims_of(self, parts: Collection[Part]) -> Sequence[Claim]:
        """Return the claims of these groups, or parts of them, withdrawn ones too."""
        ...

    def claims(self, claim_ids: Collection[int]) -> Mapping[int, Claim]: ...
    def groups_about(self, entity_ids: Collection[int]) -> Sequence[Group]:
        """Return the groups of the claims whose subject or object is one of these."""
        ...

    def spoken_of(self, entity_ids: Collection[int], audiences: Collection[str] | None = None) -> frozenset[int]:
        """Return those of these that are the subject or object of any claim of these audiences; None: of any."""
        ...

    def add_claims(self, claims: Sequence[Claim]) -> None: ...
    def withdraw_claims(self, claim_ids: Collection[int]) -> None: ...


class EntityRows(Protocol):
    """Whom it is about."""

    def entities(self, entity_ids: Collection[int]) -> Mapping[int, Entity]: ...
    def entities_by_key(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """Return the entities that have each (key_kind, key); several may share a weak one."""
        ...

    def entities_by_name(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """Return the entities of each (kind, normal_name); kind '' is any."""
        ...

    def entities_of_kind(self, kind: str, limit: int) -> Sequence[Entity]: ...
    def keys_of(self, entity_ids: Collection[int]) -> Mapping[int, tuple[EntityKey, ...]]: ...
    def merged_into(self, entity_ids: Collection[int]) -> Mapping[int, tuple[int, ...]]:
        """Return, for each that has any, the entities that are merged into it now, without those that are merged into these."""
        ...

    def links_of(self, entity_ids: Collection[int]) -> Sequence[EntityLink]:
        """Return every link that one of these had or has, on either side."""
        ...

    def add_entities(self, entities: Sequence[Entity], keys: Sequence[EntityKey]) -> None: ...
    def set_kinds(self, kinds: Mapping[int, str]) -> None: ...
    def link(self, entity_id: int, into_id: int, by: str) -> None: ...
    def unlink(self, entity_id: int) -> None: ...
    def decide(self, pair: PairKey, decision: Decision, by: str) -> None:
        """Keep what somebody decided about two entities; '': it is open again."""
        ...

    def decision_of(self, pair: PairKey) -> Decision: ...


class FactRows(Protocol):
    """What is believed."""

    def cardinalities(self, predicates: Collection[str]) -> Mapping[str, Cardinality]:
        """Return those that were declared; the others are `many`."""
        ...

    def declare(self, predicate: str, cardinality: Cardinality) -> None: ...
    def groups_with(self, predicate: str) -> Sequence[Group]: ...
    def facts_of(self, parts: Collection[Part]) -> Sequence[Fact]:
        """Return what is believed now in these groups, or parts of them."""
        ...

    def history_of(self, groups: Collection[Group]) -> Sequence[Fact]:
        """Return what was ever believed in these groups."""
        ...

    def ever_believed(self, parts: Collection[Part]) -> Sequence[Fact]:
        """Return what was ever believed in these groups, or parts of them."""
        ...

    def facts(self, fact_ids: Collection[int]) -> Mapping[int, Fact]: ...
    def add_facts(self, facts: Sequence[Fact]) -> None: ...
    def retire_facts(self, fact_ids: Collection[int]) -> None: ...


class ForgettingRows(Protocol):
    """What takes rows away for good; what is deleted is overwritten, not only marked. All of it counts by table what it deleted."""

    def episodes_from(self, source: str | None, audiences: Collection[str] | None, limit: int) -> Sequence[int]:
        """Return some of the episodes of a source and of these audiences; None: of any."""
        ...

    def episodes_saying(self, phrases: Collection[str]) -> Sequence[Episode]:
        """Return episodes that may hold one of these words or phrases, in any case; there may be some too many."""
        ...

    def claims_saying(self, phrases: Collection[str]) -> Sequence[Claim]:
        """Return claims whose value may hold one of these words or phrases, in any case; there may be some too many."""
        ...

    def claims_in(self, episode_ids: Collection[int]) -> Sequence[Claim]: ...
    def claims_about(self, entity_ids: Collection[int], limit: int) -> Sequence[Claim]:
        """Return some of the claims whose subject or object is one of these."""
        ...

    def delete_episodes(self, episode_ids: Collection[int]) -> None: ...
    def empty_episodes(self, episodes: Sequence[Episode]) -> None:
        """Give these episodes their present source, source_id, author, url and content."""
        ...

    def delete_claims(self, claim_ids: Collection[int]) -> None: ...
    def delete_facts(self, facts: Sequence[Fact]) -> None:
        """Delete facts, what was evaluated or thought because of them and who took them back; an index is told their numbers."""
        ...

    def name_claims(self, facts: Sequence[Fact]) -> None:
        """Give these facts their present claim_ids."""
        ...

    def delete_entities(self, entity_ids: Collection[int]) -> None:
        """Delete entities with their keys and links, and what was evaluated or decided about them."""
        ...

    def deleted(self) -> Mapping[str, int]: ...
    def uncounted(self) -> AbstractContextManager[None]:
        """Have what is deleted within not counted in `deleted`."""
        ...


class ContextRows(EpisodeRows, EntityRows, FactRows, ForgettingRows, Protocol):
    """The rows of one tenant, within one transaction. Lists go in and come out whole: no statement a row."""

    @property
    def now_us(self) -> int:
        """When this transaction is: after every earlier one of the tenant, whatever the clocks of the nodes say."""
        ...

    @property
    def stands_at(self) -> int:
        """The tenant's last revision: an index that stands there lacks nothing of these rows."""
        ...

    @property
    def quotas(self) -> ContextQuotas:
        """What one tenant may have on record; whoever takes something in asks."""
        ...

    def kept(self) -> Kept: ...
    def kept_by(self, person: int) -> KeptByPerson:
        """Return what was asserted by a person, by their `ids.person_number`."""
        ...


class ContextStore(Protocol):
    async def change(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        """Run `work` in one transaction: all of it or nothing; one writer of a tenant at a time, on any number of nodes.

        Each row of a fact that it adds or retires has the tenant's next revision; that there are some is announced (topic `context`),
        so that every index follows in order.
        """
        ...

    async def read(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        """Run `work` on one snapshot; nothing it writes is kept."""
        ...

    async def purge(self) -> bool:
        """Leave no byte of what was deleted in the files of the store; False where somebody reads an old snapshot for too long."""
        ...

    async def facts_since(self, tenant_id: str, revision: int, limit: int) -> FactNews:
        """Return what an index that stands at `revision` lacks: facts added or retired since, in order, and those that are gone."""
        ...
