"""What was believed on a day longer ago than the index keeps: the index knows what stood until lately, the store what went before that.

Both are ranked together by an index that lives for one question.
"""

from collections.abc import Callable
from dataclasses import dataclass

import anyio.to_thread

from capability_index.corpora import FACTS
from capability_index.text_index import Found, Mask, TextIndex
from tools.context_plane.facts import Fact
from tools.context_plane.identity.names import normal_words
from tools.context_plane.retrieval.fact_corpus import text_of
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.stores import KnowledgeStore
from tools.context_plane.stores import ContextRows, ContextStore, IndexedFact

#: facts of the store that are ranked for one question: those that have its words, then those that were learnt last
MOST = 2_000
MAX_WORDS, LEAST_CHARS = 8, 3
_SEGMENT = "past"


@dataclass(frozen=True, slots=True)
class PastFound:
    """`is_all` False: more was believed then, and not since, than was ranked; it has none of the question's words, or fewer."""

    found: Found
    is_all: bool = True


class PastFacts:
    """Adds to what an index found what was believed then and is in no index any more."""

    def __init__(self, store: ContextStore, knowledge: KnowledgeStore, make_index: Callable[[], TextIndex]) -> None:
        self._store, self._knowledge, self._make_index = store, knowledge, make_index

    async def search(self, tenant_id: str, query: str, wanted: FactFilter, in_index: Found, until_us: int, candidates: int) -> PastFound:
        """Return what fits among `in_index` and up to MOST facts that `wanted` permits and that were retired until then."""
        gone = await self._knowledge.retired_facts(tenant_id, wanted, until_us, _words_of(query), MOST + 1)
        if not gone:
            return PastFound(in_index)
        numbers = [hit.row for hit in in_index.hits]

        def read(rows: ContextRows) -> list[IndexedFact]:
            held = [fact for fact in rows.facts(numbers).values() if wanted.permits(fact)]
            return _named(rows, {fact.fact_id: fact for fact in (*held, *gone[:MOST])})

        texts = [text_of(each) for each in await self._store.read(tenant_id, read)]

        def found() -> Found:
            index = self._make_index()
            index.upsert(_SEGMENT, FACTS, texts)
            return index.search(_SEGMENT, query, Mask(), candidates, candidates)

        return PastFound(await anyio.to_thread.run_sync(found), len(gone) <= MOST)


def _words_of(query: str) -> list[str]:
    """Return the longest words of a question: short ones stand in every sentence."""
    words = dict.fromkeys(word for word in normal_words(query) if len(word) >= LEAST_CHARS)
    return sorted(words, key=len, reverse=True)[:MAX_WORDS]


def _named(rows: ContextRows, facts: dict[int, Fact]) -> list[IndexedFact]:
    numbers = {fact.group.subject_id for fact in facts.values()} | {fact.belief.object_id or 0 for fact in facts.values()}
    names = {number: entity.name for number, entity in rows.entities(numbers - {0}).items()}
    return [
        IndexedFact(fact, names.get(fact.group.subject_id, ""), names.get(fact.belief.object_id or 0, fact.belief.value or ""), ())
        for fact in facts.values()
    ]
