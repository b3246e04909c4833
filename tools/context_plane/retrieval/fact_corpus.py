"""Facts as an index is filled from them."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

from capability_index.analysis import Analysis
from capability_index.corpora import FACTS
from capability_index.text_index import Mask, Text
from tools.context_plane.ids import column_of
from tools.context_plane.indexing.corpus import IndexNews
from tools.context_plane.retrieval.fact_filter import SEVERAL_SOURCES
from tools.context_plane.stores import ContextStore, FactNews, IndexedFact
from tools.context_plane.times import SINCE_EVER, STILL

#: what was believed is asked of the index for so long, and of the store after that
KEPT_US = 30 * 86_400 * 1_000_000
#: of one bite: about a second's work
BITE = 1_000


class FactCorpus:
    """A Corpus (tools/context_plane/indexing) of what is believed, and of what was until lately."""

    kind = "facts"

    def __init__(self, store: ContextStore, revision_of: Callable[[str], Awaitable[int]], clock: Callable[[], float] = time.time) -> None:
        self._store, self._revision_of, self._clock = store, revision_of, clock

    @property
    def analysis(self) -> Analysis:
        return FACTS

    async def revision(self, tenant_id: str) -> int:
        return await self._revision_of(tenant_id)

    def expired(self) -> Mask | None:
        return Mask(at_most={"retired_at": self._horizon_us()})

    async def news(self, tenant_id: str, revision: int) -> IndexNews:
        news = await self._store.facts_since(tenant_id, revision, BITE)
        horizon_us = self._horizon_us()
        kept = [each for each in news.facts if each.fact.retired_at_us is None or each.fact.retired_at_us > horizon_us]
        return IndexNews([text_of(each) for each in kept], [*_gone(news, horizon_us)], news.revision, news.is_all)

    async def said(self, tenant_id: str, rows: Collection[int]) -> Mapping[int, str]:
        facts = await self._store.read(tenant_id, lambda there: there.facts(rows))
        return {fact_id: fact.text for fact_id, fact in facts.items()}

    def _horizon_us(self) -> int:
        return int(self._clock() * 1_000_000) - KEPT_US


def text_of(each: IndexedFact) -> Text:
    """Return the row of one fact."""
    fact, belief, group = each.fact, each.fact.belief, each.fact.group
    return Text(
        row=fact.fact_id,
        fields={"text": fact.text, "subject": each.subject, "predicate": group.predicate.replace("_", " "), "object": each.said},
        columns={
            "valid_from": SINCE_EVER if belief.valid_from_us is None else belief.valid_from_us,
            "valid_to": STILL if belief.valid_to_us is None else belief.valid_to_us,
            "recorded_at": fact.recorded_at_us,
            "retired_at": STILL if fact.retired_at_us is None else fact.retired_at_us,
            "audience": column_of(group.audience),
            "source": column_of(each.sources[0]) if len(each.sources) == 1 else SEVERAL_SOURCES,
            "subject": group.subject_id,
            "object": belief.object_id or 0,
            "predicate": column_of(group.predicate),
            "state": int(belief.state == "conflict"),
        },
    )


def _gone(news: FactNews, horizon_us: int) -> Iterator[int]:
    yield from news.gone
    yield from (each.fact.fact_id for each in news.facts if each.fact.retired_at_us is not None and each.fact.retired_at_us <= horizon_us)
