"""Documents put together: taken in, read beside the requests, found and quoted."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from capability_index.encoders.encoder import WordTable
from capability_index.ranking.reranker import Reranker
from capability_index.text_index import TextIndex
from server.assembly.context_plane.endpoint_judge import EndpointJudge
from server.config.settings import Settings
from server.storage.change_feed import Change, ChangeFeed
from server.storage.context_plane.revisions import TOPIC
from server.storage.store import Store
from tools.builtins.context.rag_documents import DocumentDeletion, DocumentList, DocumentUpload
from tools.builtins.context.rag_questions import DocumentQuestion, DocumentSearch
from tools.context_plane.documents.parsing import DocumentParser
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.indexing.text_vectors import TextVectors
from tools.context_plane.rag.answers import AnswerWriter, DocumentAnswers
from tools.context_plane.rag.ingestion import DocumentIngestion
from tools.context_plane.rag.passage_corpus import PassageCorpus, RankedPassages
from tools.context_plane.rag.passages import PassageSearch
from tools.context_plane.rag.question_limit import QuestionLimit
from tools.context_plane.rag.uploads import Uploads
from tools.egress.client import Egress
from tools.sources.builtin import BuiltinFunction


@dataclass(frozen=True, slots=True)
class Documents:
    """Everything about documents."""

    store: Store
    uploads: Uploads
    ingestion: DocumentIngestion
    indexes: LiveIndexes
    search: PassageSearch
    answers: DocumentAnswers

    def functions(self) -> list[BuiltinFunction]:
        """Return the operations rag_*."""
        return [
            DocumentUpload(self.uploads).function(),
            DocumentList(self.store.documents).function(),
            DocumentSearch(self.search).function(),
            DocumentQuestion(self.answers, QuestionLimit()).function(),
            DocumentDeletion(self.store.documents, self.forget).function(),
        ]

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs as long as the gateway does."""
        return (self.ingestion.run, self.indexes.run)

    async def forget(self, tenant_id: str) -> None:
        """Leave nothing of what was deleted outside of the tables: in the store's log, in this process, in its files."""
        await self.store.documents.purge()
        await self.indexes.forget(tenant_id)

    def listen(self, feed: ChangeFeed) -> None:
        """Look at what other processes do: a document that waits, an index that is behind."""
        feed.listen(TOPIC, self._changed)

    async def _changed(self, changes: Sequence[Change]) -> None:
        self.ingestion.wake()
        for tenant_id in {change.tenant_id for change in changes if change.tenant_id}:
            self.indexes.wake(tenant_id)


def assemble_documents(
    settings: Settings,
    store: Store,
    egress: Egress,
    table: Callable[[], WordTable | None],
    reranker: Callable[[], Reranker | None],
    writer: AnswerWriter,
    *,
    vectors: TextVectors | None = None,
    keeps_files: bool = True,
) -> Documents:
    """Put the parts together; nothing is opened before a tenant uploads or asks. `table`, `reranker`: what discover_apis uses.

    `vectors`: of tenants that name an embeddings model; None: of none.
    `keeps_files` False: for a command, beside whatever serves from the same directory.
    """

    def make_index() -> TextIndex:
        return TextIndex(table())

    corpus, folder = PassageCorpus(store.documents), settings.data_dir / "context"
    indexes = LiveIndexes(corpus, make_index, folder, vectors=vectors, keeps_files=keeps_files)
    ingestion = DocumentIngestion(store.documents, DocumentParser(), indexes.follow)
    search = PassageSearch(store.documents, RankedPassages(indexes), EndpointJudge(reranker))
    return Documents(store, Uploads(store.documents, egress, ingestion.wake), ingestion, indexes, search, DocumentAnswers(search, writer))
