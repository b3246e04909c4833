"""context_query: what is known, by the question, at a moment, and as it was believed at another."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from capability_index.text_index import Found, Hit
from tools.context_plane.errors import nothing_there
from tools.context_plane.facts import Fact
from tools.context_plane.identity.names import normal_name
from tools.context_plane.indexing.asking import Asking
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.retrieval.asked_facts import AskedFacts
from tools.context_plane.retrieval.entity_lookup import entities_meant, groups_seen
from tools.context_plane.retrieval.fact_corpus import KEPT_US
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.fact_ranking import Candidate, FactJudge, Scored, newest, ranked
from tools.context_plane.retrieval.known_fact import KnownFact, entities_of, known_facts, of_sources
from tools.context_plane.retrieval.past_facts import PastFacts, PastFound
from tools.context_plane.retrieval.recent_questions import Question, RecentQuestions
from tools.context_plane.retrieval.stores import KnowledgeStore
from tools.context_plane.stores import ContextRows, ContextStore, Scope

CANDIDATES = 50
HOUR_US = 3_600_000_000
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
    #: why the tenant's embeddings model had no part in it
    without: str = ""
    #: everything that was believed then was looked at
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class RankedFacts:
    """Facts in the order in which they answer. `without`: why the tenant's embeddings model had no part in it.

    `is_all` False: of what was believed long ago not everything was looked at.
    """

    facts: tuple[AnsweredFact, ...]
    low_confidence: bool
    is_behind: bool
    without: str = ""
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class _Considered:
    """What was looked at for one question: `known` has everything that is shown of those that may be answered."""

    stands_at: int
    candidates: list[Candidate]
    named: frozenset[int]
    scored: list[Scored]
    known: Mapping[int, KnownFact]


class FactQuery:
    """Answers questions of one tenant at a time; the store has the last word on what may be seen."""

    def __init__(
        self,
        store: ContextStore,
        knowledge: KnowledgeStore,
        indexes: LiveIndexes,
        past: PastFacts,
        questions: RecentQuestions,
        judge: Callable[[], FactJudge | None] = lambda: None,
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
            newest_first = await self.newest(scope, wanted, asked.limit)
            found = RankedFacts(tuple(AnsweredFact(known, None, {}) for known in newest_first), low_confidence=False, is_behind=False)
        else:
            found = await self.ranked(scope, wanted, asked)
        answered = found.facts
        if not answered and asked.entities:
            await self._exists(scope, wanted)
        query_id = self._questions.keep(scope, Question(asked, tuple(each.known.fact.fact_id for each in answered)))
        low = found.low_confidence or (not answered and bool(asked.query))
        return FactAnswer(answered, low, query_id, found.is_behind, asked.notes, found.without, found.is_all)

    async def wanted(self, scope: Scope, asked: AskedFacts) -> FactFilter:
        """Return what may be answered. Raises ContextRefused: not_found."""
        about = None
        if asked.entities:
            about = await self._store.read(scope.tenant_id, lambda rows: entities_meant(rows, asked.entities, scope.audiences))
        return FactFilter(
            audiences=tuple(dict.fromkeys(scope.audiences)),
            known_at_us=asked.known_at_us,
            as_of_us=asked.as_of_us,
            about=about,
            predicates=frozenset(asked.predicates),
            sources=frozenset(asked.sources),
        )

    async def ranked(self, scope: Scope, wanted: FactFilter, asked: AskedFacts) -> RankedFacts:
        """Return the facts that fit best, whether none fits well, and whether what was kept last is missing."""
        candidates = CANDIDATES
        asking = await self._indexes.ask(scope.tenant_id, asked.query, as_it_stands=True)
        while True:
            asking, found, considered = await self._looked(scope.tenant_id, wanted, asked, asking, candidates)
            past = PastFound(found)
            if wanted.known_at_us < (kept_since_us := self.now_us() - KEPT_US):
                # What was retired before that may be in no index; an hour more, since indexes let go by and by.
                past = await self._past.search(scope.tenant_id, asked.query, wanted, found, kept_since_us + HOUR_US, candidates)
                found, considered = past.found, await self._read(scope.tenant_id, past.found, wanted, asked)
            # Of several sources: who said it is known only now, so more are looked at until there are enough.
            is_enough = not wanted.sources or len(considered.candidates) >= asked.limit
            if is_enough or len(found.hits) < candidates or candidates >= MOST_CANDIDATES:
                break
            candidates *= 4
        judge, scored = self._judge(), considered.scored
        if judge is not None and len(considered.candidates) > 1:
            judged = await judge.judge(asked.query, [each.fact.text for each in considered.candidates])
            scored = ranked(considered.candidates, considered.named, judged, asked.limit)
        answered = tuple(AnsweredFact(considered.known[each.fact.fact_id], each.score, each.parts) for each in scored)
        return RankedFacts(answered, found.low_confidence, asking.is_behind, asking.without, past.is_all)

    async def _looked(
        self, tenant_id: str, wanted: FactFilter, asked: AskedFacts, asking: Asking, candidates: int
    ) -> tuple[Asking, Found, _Considered]:
        """Search, and read what was found; where the rows are newer than the index, once more with what is new, if that can be had now."""
        stands_at = asking.held.revision
        found = await asking.search(wanted.masks(), candidates, candidates)
        considered = await self._read(tenant_id, found, wanted, asked)
        if stands_at >= considered.stands_at:
            # Seen from the rows, and not asked before: nearly always nothing is new, and the question is spared a trip to the store.
            return asking, found, considered
        asking = await self._indexes.ask_again(asking)
        found = await asking.search(wanted.masks(), candidates, candidates)
        return asking, found, await self._read(tenant_id, found, wanted, asked)

    async def _read(self, tenant_id: str, found: Found, wanted: FactFilter, asked: AskedFacts) -> _Considered:
        knows_all = self._judge() is not None
        return await self._store.read(tenant_id, partial(_considered, hits=found.hits, wanted=wanted, asked=asked, knows_all=knows_all))

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


def _considered(rows: ContextRows, hits: Sequence[Hit], wanted: FactFilter, asked: AskedFacts, *, knows_all: bool = False) -> _Considered:
    """Read what the index found, leave out what may not be answered, and put the rest in its order; all of it one snapshot.

    `knows_all`: everything is read of each candidate, for a judge to put them in another order.
    """
    by_id = rows.facts([hit.row for hit in hits])
    facts = [fact for hit in hits if (fact := by_id.get(hit.row)) is not None and wanted.permits(fact)]
    if wanted.sources:
        facts = of_sources(rows, facts, wanted.sources)
    permitted = {fact.fact_id: fact for fact in facts}
    candidates = [Candidate(permitted[hit.row], hit.score, hit.features) for hit in hits if hit.row in permitted]
    entities = entities_of(rows, facts)
    words = f" {normal_name(asked.query)} "
    named = frozenset(number for number, entity in entities.items() if entity.normal_name and f" {entity.normal_name} " in words)
    scored = ranked(candidates, named, limit=asked.limit)
    shown = facts if knows_all else [each.fact for each in scored]
    return _Considered(rows.stands_at, candidates, named, scored, {each.fact.fact_id: each for each in known_facts(rows, shown, entities)})
