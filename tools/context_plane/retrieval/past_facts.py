"""What was believed longer ago than the index keeps: read from the store, and ranked by an index that lives for one question."""

from collections.abc import Callable

import anyio

from capability_index.corpora import FACTS
from capability_index.text_index import Found, Mask, TextIndex
from tools.context_plane.retrieval.fact_corpus import text_of
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.stores import KnowledgeStore
from tools.context_plane.stores import ContextStore, IndexedFact

#: that are ranked for one question, those that were learnt last first
MOST = 2_000
_SEGMENT = "past"


class PastFacts:
    """Searches like LiveIndexes, in one tenant's beliefs of a day."""

    def __init__(self, store: ContextStore, knowledge: KnowledgeStore, make_index: Callable[[], TextIndex]) -> None:
        self._store, self._knowledge, self._make_index = store, knowledge, make_index

    async def search(self, tenant_id: str, query: str, wanted: FactFilter, candidates: int) -> Found:
        """Return what fits among up to MOST facts that `wanted` permits."""
        facts = await self._knowledge.newest_facts(tenant_id, wanted, MOST)
        numbers = {fact.group.subject_id for fact in facts} | {fact.belief.object_id or 0 for fact in facts}
        entities = await self._store.read(tenant_id, lambda rows: rows.entities(numbers - {0}))
        name_by_id = {number: entity.name for number, entity in entities.items()}
        texts = [
            text_of(
                IndexedFact(
                    fact, name_by_id.get(fact.group.subject_id, ""), name_by_id.get(fact.belief.object_id or 0, fact.belief.value or ""), ()
                )
            )
            for fact in facts
        ]

        def found() -> Found:
            index = self._make_index()
            index.upsert(_SEGMENT, FACTS, texts)
            return index.search(_SEGMENT, query, Mask(), candidates, candidates)

        return await anyio.to_thread.run_sync(found)
