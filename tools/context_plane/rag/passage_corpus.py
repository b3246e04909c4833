"""Passages as the index has them, and the ranking of those that a question may see."""

from collections.abc import Collection, Mapping, Sequence

from capability_index.analysis import Analysis
from capability_index.corpora import PASSAGES
from capability_index.text_index import Mask, Text
from tools.context_plane.ids import column_of
from tools.context_plane.indexing.corpus import IndexNews
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.rag.passages import RankedRow, RankedRows
from tools.context_plane.rag.records import DocumentRecord, Passage
from tools.context_plane.rag.stores import DocumentStore

#: indexed in one bite
CHUNKS_A_BITE = 500


class PassageCorpus:
    """The Corpus of documents' passages."""

    kind = "passages"
    analysis: Analysis = PASSAGES

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def revision(self, tenant_id: str) -> int:
        return await self._store.revision(tenant_id)

    def expired(self) -> Mask | None:
        return None

    async def news(self, tenant_id: str, revision: int) -> IndexNews:
        found = await self._store.documents_since(tenant_id, revision, CHUNKS_A_BITE)
        texts = [_text(each.document, passage) for each in found.ready for passage in each.passages]
        return IndexNews(texts, [row for rows in found.gone for row in rows], found.revision, found.is_all)

    async def said(self, tenant_id: str, rows: Collection[int]) -> Mapping[int, str]:
        passages = await self._store.passages_of_all(tenant_id, rows)
        return {row: "\n".join(filter(None, (each.name, each.heading, each.text))) for row, each in passages.items()}


class RankedPassages:
    """The PassageIndex over `LiveIndexes`."""

    def __init__(self, indexes: LiveIndexes) -> None:
        self._indexes = indexes

    async def search(
        self, tenant_id: str, query: str, audiences: Sequence[str], document_ids: Sequence[int] | None, limit: int
    ) -> RankedRows:
        among: dict[str, Sequence[int]] = {"audience": [column_of(audience) for audience in audiences]}
        if document_ids is not None:
            among["document"] = document_ids
        asking = await self._indexes.ask(tenant_id, query)
        found = await asking.search([Mask(among=among)], limit)
        return RankedRows(
            tuple(RankedRow(hit.row, hit.score) for hit in found.hits), found.low_confidence, asking.is_behind, asking.without
        )


def _text(document: DocumentRecord, passage: Passage) -> Text:
    return Text(
        row=passage.row,
        fields={"text": passage.text, "heading": passage.heading, "name": document.name},
        columns={
            "document": document.document_id,
            "audience": column_of(document.audience),
            "source": column_of(document.url),
            "n": passage.row - document.document_id,
        },
    )
