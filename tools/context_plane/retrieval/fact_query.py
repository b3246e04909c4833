"""context_query: what is known, by the question, at a moment, and as it was believed at another."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from capability_index.text_index import Found
from tools.context_plane.errors import nothing_there
from tools.context_plane.facts import Fact
from tools.context_plane.identity.names import normal_name
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.retrieval.asked_facts import AskedFacts
from tools.context_plane.retrieval.entity_lookup import entities_meant, groups_seen
from tools.context_plane.retrieval.fact_corpus import KEPT_US
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.fact_ranking import Candidate, FactJudge, Scored, newest, ranked
from tools.context_plane.retrieval.known_fact import KnownFact, known_facts, of_sources
from tools.context_plane.retrieval.past_facts import PastFacts
from tools.context_plane.retrieval.recent_questions import Question, RecentQuestions
from tools.context_plane.retrieval.stores import KnowledgeStore
from tools.context_plane.stores import ContextRows, ContextStore, Scope

CANDIDATES = 50
#: where sources are asked for, facts of several sources are looked at in the store; so many rows at the most
MOST_CANDIDATES = 3_200


@dataclass(frozen=True, slots=True)
class AnsweredFact:
    """A fact with what is shown of it. `score` None: nothing was ranked, the newest come first."""

    known: KnownFact
    score: float | None
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FactAnswer:
    facts: tuple[AnsweredFact, ...]
    low_confidence: bool
    query_id: str
    #: what was kept last is not among them yet
    is_behind: bool
    notes: tuple[str, ...]


class FactQuery:
    """Answers questions of one tenant at a time; the store has the last word on what may be seen."""

    def __init__(
        self,
        store: ContextStore,
        knowledge: KnowledgeStore,
        indexes: LiveIndexes,
        past: PastFacts,
        questions: RecentQuestions,
        judge: FactJudge | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._knowledge, self._indexes, self._past = store, knowledge, indexes, past
        self._questions, self._judge, self._clock = questions, judge, clock

    def now_us(self) -> int:
        """Return the moment of a question that names none."""
        return int(self._clock() * 1_000_000)

    async def answer(self, scope: Scope, asked: AskedFacts) -> FactAnswer:
        """Return up to `asked.limit` facts, best first. Raises ContextRefused: an entity that is not there for `scope`."""
        wanted = await self.wanted(scope, asked)
        if not normal_name(asked.query):
            facts, low, behind = await self.newest(scope, wanted, asked.limit), False, False
            answered = [AnsweredFact(known, None, {}) for known in facts]
        else:
            scored, low, behind = await self.ranked(scope, wanted, asked)
            known = await self._store.read(scope.tenant_id, partial(_known, facts=[each.fact for each in scored]))
            answered = [AnsweredFact(each, one.score, one.parts) for each, one in zip(known, scored, strict=True)]
        if not answered and asked.entities:
            await self._exists(scope, wanted)
        query_id = self._questions.keep(scope, Question(asked, tuple(each.known.fact.fact_id for each in answered)))
        return FactAnswer(tuple(answered), low or (not answered and bool(asked.query)), query_id, behind, asked.notes)

    async def wanted(self, scope: Scope, asked: AskedFacts) -> FactFilter:
        """Return what may be answered. Raises ContextRefused: not_found."""
        about = None
        if asked.entities:
            about = await self._store.read(scope.tenant_id, lambda rows: entities_meant(rows, asked.entities))
        return FactFilter(
            audiences=tuple(dict.fromkeys(scope.audiences)),
            known_at_us=asked.known_at_us,
            as_of_us=asked.as_of_us,
            about=about,
            predicates=frozenset(asked.predicates),
            sources=frozenset(asked.sources),
        )

    async def ranked(self, scope: Scope, wanted: FactFilter, asked: AskedFacts) -> tuple[list[Scored], bool, bool]:
        """Return the facts that fit best, whether none fits well, and whether what was kept last is missing."""
        if wanted.known_at_us < self.now_us() - KEPT_US:
            found, is_behind = await self._past.search(scope.tenant_id, asked.query, wanted, CANDIDATES), False
            facts = await self._permitted(scope, wanted, [found])
        else:
            candidates = CANDIDATES
            while True:
                found, is_behind = await self._found(scope.tenant_id, asked.query, wanted, candidates)
                facts = await self._permitted(scope, wanted, [found])
                # Of several sources: who said it is known only now, so more are looked at until there are enough.
                if not wanted.sources or len(facts) >= asked.limit or len(found.hits) < candidates or candidates >= MOST_CANDIDATES:
                    break
                candidates *= 4
        named = await self._store.read(scope.tenant_id, partial(_named, facts=[each.fact for each in facts], query=asked.query))
        judged = None
        if self._judge is not None and len(facts) > 1:
            judged = await self._judge.judge(asked.query, [each.fact.text for each in facts])
        return ranked(facts, named, judged)[: asked.limit], found.low_confidence, is_behind

    async def _found(self, tenant_id: str, query: str, wanted: FactFilter, candidates: int) -> tuple[Found, bool]:
        """Search with each mask; where there are two, as subject and as object, a row counts once, by its better score."""
        searched = await asyncio.gather(*(self._indexes.search(tenant_id, query, mask, candidates, candidates) for mask in wanted.masks()))
        first, is_behind = searched[0]
        for other, is_other_behind in searched[1:]:
            held = {hit.row: hit for hit in sorted((*first.hits, *other.hits), key=lambda hit: hit.score)}
            hits = tuple(sorted(held.values(), key=lambda hit: -hit.score)[:candidates])
            first = replace(first, hits=hits, low_confidence=first.low_confidence and other.low_confidence)
            is_behind = is_behind or is_other_behind
        return first, is_behind

    async def _permitted(self, scope: Scope, wanted: FactFilter, founds: Sequence[Found]) -> list[Candidate]:
        hits = [hit for found in founds for hit in found.hits]

        def read(rows: ContextRows) -> list[Fact]:
            by_id = rows.facts([hit.row for hit in hits])
            facts = [fact for hit in hits if (fact := by_id.get(hit.row)) is not None and wanted.permits(fact)]
            return of_sources(rows, facts, wanted.sources) if wanted.sources else facts

        fact_by_id = {fact.fact_id: fact for fact in await self._store.read(scope.tenant_id, read)}
        return [Candidate(fact_by_id[hit.row], hit.score, hit.features) for hit in hits if hit.row in fact_by_id]

    async def newest(self, scope: Scope, wanted: FactFilter, limit: int) -> list[KnownFact]:
        """Return the newest facts about the entities that were asked for, or of all."""
        about = wanted.about
        if about is not None:

            def read(rows: ContextRows) -> list[KnownFact]:
                facts = [fact for fact in rows.history_of(groups_seen(rows, about, wanted.audiences)) if wanted.permits(fact)]
                return known_facts(rows, _of(rows, newest(facts), wanted, limit))

            return await self._store.read(scope.tenant_id, read)
        facts = await self._knowledge.newest_facts(scope.tenant_id, wanted, MOST_CANDIDATES if wanted.sources else CANDIDATES)
        return await self._store.read(scope.tenant_id, lambda rows: known_facts(rows, _of(rows, newest([*facts]), wanted, limit)))

    async def _exists(self, scope: Scope, wanted: FactFilter) -> None:
        """Raise ContextRefused where nothing is known, to whoever asks, of the entities: they are nobody to them."""
        about = wanted.about or frozenset()
        if not await self._store.read(scope.tenant_id, lambda rows: groups_seen(rows, about, wanted.audiences)):
            raise nothing_there("entity")


def _of(rows: ContextRows, facts: Sequence[Fact], wanted: FactFilter, limit: int) -> list[Fact]:
    return (of_sources(rows, facts, wanted.sources) if wanted.sources else list(facts))[:limit]


def _known(rows: ContextRows, facts: Sequence[Fact]) -> list[KnownFact]:
    return known_facts(rows, facts)


def _named(rows: ContextRows, facts: Sequence[Fact], query: str) -> frozenset[int]:
    """Return the entities of `facts` whose whole name stands in the question."""
    numbers = {fact.group.subject_id for fact in facts} | {fact.belief.object_id for fact in facts if fact.belief.object_id is not None}
    words = f" {normal_name(query)} "
    return frozenset(
        number for number, entity in rows.entities(numbers).items() if entity.normal_name and f" {entity.normal_name} " in words
    )
