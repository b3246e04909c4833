"""What the context plane must remember, as Protocols; `server/storage/context_plane` keeps the promises.

Decisions are made here, in `tools`, and run inside the store's transaction: `change` hands over the rows of one tenant, and
nothing of it is kept where the work raises. Work is plain code in one thread of the store's, never on the loop.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tools.context_plane.facts import Cardinality, Claim, Entity, EntityKey, Episode, Fact, Group

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


class ContextRows(Protocol):
    """The rows of one tenant, within one transaction. Lists go in and come out whole: no statement a row."""

    # sources
    def known_episode(self, audience: str, source: str, source_id: str, content_hash: str) -> Episode | None: ...
    def add_episodes(self, episodes: Sequence[Episode]) -> None: ...
    def episodes(self, episode_ids: Collection[int]) -> Mapping[int, Episode]: ...

    # whom it is about
    def entities(self, entity_ids: Collection[int]) -> Mapping[int, Entity]: ...
    def entities_by_key(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """Return which entity each (key_kind, key) names."""
        ...

    def entities_by_name(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """Return the entities of each (kind, normal_name); kind '' is any."""
        ...

    def keys_of(self, entity_ids: Collection[int]) -> Mapping[int, tuple[EntityKey, ...]]: ...
    def add_entities(self, entities: Sequence[Entity], keys: Sequence[EntityKey]) -> None: ...
    def set_merged_into(self, entity_id: int, merged_into: int | None) -> None: ...

    # what was said
    def claims_of(self, groups: Collection[Group]) -> Sequence[Claim]:
        """Return the claims of these groups that are not withdrawn."""
        ...

    def claims(self, claim_ids: Collection[int]) -> Mapping[int, Claim]: ...
    def add_claims(self, claims: Sequence[Claim]) -> None: ...
    def withdraw_claims(self, claim_ids: Collection[int], at_us: int) -> None: ...

    # what is believed
    def cardinalities(self, predicates: Collection[str]) -> Mapping[str, Cardinality]:
        """Return those that were declared; the others are `many`."""
        ...

    def declare(self, predicate: str, cardinality: Cardinality) -> None: ...
    def groups_with(self, predicate: str) -> Sequence[Group]: ...
    def facts_of(self, groups: Collection[Group]) -> Sequence[Fact]:
        """Return what is believed now in these groups."""
        ...

    def facts(self, fact_ids: Collection[int]) -> Mapping[int, Fact]: ...
    def add_facts(self, facts: Sequence[Fact]) -> None: ...
    def retire_facts(self, fact_ids: Collection[int], at_us: int) -> None: ...


class ContextStore(Protocol):
    async def change(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        """Run `work` in one transaction: all of it or nothing; one writer of a tenant at a time, on any number of nodes.

        What it changed has the tenant's next revision and is announced (topic `context`), so that every index follows in order.
        """
        ...

    async def read(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        """Run `work` on one snapshot; nothing it writes is kept."""
        ...

    async def facts_since(self, tenant_id: str, revision: int, limit: int) -> FactNews:
        """Return what an index that stands at `revision` lacks: facts added or retired since, in order, and those that are gone."""
        ...
