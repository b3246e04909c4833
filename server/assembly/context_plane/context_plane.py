"""The context plane put together: facts in the store, an index that follows them, and the operations that ask and change."""

from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import anyio.to_thread

from capability_index.encoders.encoder import WordTable
from capability_index.ranking.reranker import Reranker
from capability_index.text_index import TextIndex
from server.assembly.context_plane.documents import Documents
from server.assembly.context_plane.endpoint_judge import EndpointJudge
from server.config.settings import Settings
from server.storage.change_feed import Change, ChangeFeed
from server.storage.late_stores import DURABLE_STORES
from server.storage.store import Store
from server.storage.tools.kept_calls import forget_answers
from tools.builtins.cleaned_arguments import saying_what_was_cleaned
from tools.builtins.context.context_changes import FactChanges
from tools.builtins.context.context_identity import IdentityOperations
from tools.builtins.context.context_questions import context_questions
from tools.context_plane.extraction.extractions import Extractions
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.forgetting.naming_words import Words
from tools.context_plane.identity.judging import PairJudging
from tools.context_plane.identity.listing import ProposalList
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.indexing.text_vectors import NoVectors, TextVectors
from tools.context_plane.rag.forgetting import DocumentForgetting
from tools.context_plane.retrieval.explanation import FactExplanation
from tools.context_plane.retrieval.fact_corpus import FactCorpus
from tools.context_plane.retrieval.fact_query import FactQuery
from tools.context_plane.retrieval.known_names import KnownNames
from tools.context_plane.retrieval.past_facts import PastFacts
from tools.context_plane.retrieval.recent_questions import RecentQuestions
from tools.context_plane.signals.evaluation import SignalRun
from tools.sources.builtin import BuiltinFunction

TOPIC = "context"


@dataclass(frozen=True, slots=True)
class ContextPlane:
    """Everything about what is known. Nothing of it is loaded before a tenant that has something is asked."""

    store: Store
    facts: LiveIndexes
    query: FactQuery
    explanation: FactExplanation
    questions: RecentQuestions
    signals: SignalRun
    forgetting: Forgetting
    names: KnownNames
    documents: Documents
    proposals: ProposalList
    #: what models do beside the calls; none in a command
    readers: Sequence[Extractions | PairJudging]
    #: of the embeddings models that tenants name
    vectors: TextVectors

    def functions(self) -> list[BuiltinFunction]:
        """Return the operations context_* and rag_*."""
        changes = FactChanges(self.store.context, self.facts.follow, self.forgetting)
        identity = IdentityOperations(self.store.context, self.proposals, self.facts.follow)
        functions = (
            *context_questions(self.query, self.explanation),
            *changes.functions(),
            *identity.functions(),
            *self.documents.functions(),
        )
        return [saying_what_was_cleaned(function) for function in functions]

    def listen(self, feed: ChangeFeed) -> None:
        """Follow what other processes change."""
        feed.listen(TOPIC, self._changed)
        self.documents.listen(feed)

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs beside the calls, until cancelled."""
        return (self.facts.run, *self.documents.background(), *(reader.run for reader in self.readers))

    async def keep_only(self, tenant_ids: Collection[str]) -> None:
        """Leave nothing in memory or files of tenants that there are no more."""
        for indexes in (self.facts, self.documents.indexes):
            await indexes.keep_only(tenant_ids)

    async def _changed(self, changes: Sequence[Change]) -> None:
        for tenant_id in {change.tenant_id for change in changes if change.tenant_id}:
            self.facts.wake(tenant_id)
            self.names.changed(tenant_id)
            for reader in self.readers:
                reader.wake(tenant_id)


def assemble_context_plane(
    settings: Settings,
    store: Store,
    table: Callable[[], WordTable | None],
    reranker: Callable[[], Reranker | None],
    *,
    documents: Documents,
    readers: Sequence[Extractions | PairJudging] = (),
    vectors: TextVectors | None = None,
    keeps_files: bool = True,
) -> ContextPlane:
    """Put the parts together. `table`, `reranker`: what discover_apis uses, asked for when a question comes.

    `documents`: what is forgotten is forgotten there too. `vectors`: of tenants that name an embeddings model; None: of none.
    `keeps_files` False: for a command beside a running gateway, whose files these are.
    """

    def make_index() -> TextIndex:
        return TextIndex(table())

    judge = EndpointJudge(reranker)
    corpus = FactCorpus(store.context, store.knowledge.revision)
    facts = LiveIndexes(corpus, make_index, settings.data_dir / "context", vectors=vectors, keeps_files=keeps_files)
    questions = RecentQuestions()
    past = PastFacts(store.context, store.knowledge, make_index)
    query = FactQuery(store.context, store.knowledge, facts, past, questions, lambda: judge if judge.is_there else None)
    explanation = FactExplanation(store.context, query, facts, questions)

    async def forget_questions(tenant_id: str) -> None:
        questions.forget(tenant_id)

    # The log of the store is emptied by the last of them.
    cleans = (forget_questions, partial(forget_answers, store.database), facts.forget, documents.forget)
    of_documents = DocumentForgetting(store.documents)
    forgetting = Forgetting(store.context, (of_documents,), cleans, of_documents, _Runs(store))
    names = KnownNames(store.context, store.knowledge)
    return ContextPlane(
        store=store,
        facts=facts,
        query=query,
        explanation=explanation,
        questions=questions,
        signals=SignalRun(store.context, store.signals),
        forgetting=forgetting,
        names=names,
        documents=documents,
        proposals=ProposalList(store.context, store.pairs),
        readers=readers,
        vectors=vectors or NoVectors(),
    )


@dataclass(frozen=True, slots=True)
class _Runs:
    """The NamingRuns of this store, loaded when somebody is forgotten (docs/decisions/0059)."""

    store: Store

    async def black_out(self, tenant_id: str, audiences: Collection[str] | None, words: Words, *, dry_run: bool) -> int:
        await anyio.to_thread.run_sync(import_module, DURABLE_STORES)
        return await self.store.durable.named_runs.black_out(tenant_id, audiences, words, dry_run=dry_run)
