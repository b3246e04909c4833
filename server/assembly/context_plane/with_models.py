"""The context plane with the models that tenants let help it; the planes themselves do not know each other."""

from collections.abc import Callable

from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.ranking.reranker import Reranker
from oauth.tenants import Tenants
from server.assembly.ai_gateway import AiGateway
from server.assembly.context_plane.context_plane import ContextPlane, assemble_context_plane
from server.assembly.context_plane.documents import assemble_documents
from server.assembly.context_plane.models import ContextModels
from server.assembly.context_plane.vectors import ContextVectors
from server.config.settings import Settings
from server.storage.store import Store
from tools.context_plane.extraction.extractions import Extractions
from tools.context_plane.identity.judging import PairJudging
from tools.egress.client import Egress


def context_with_models(
    settings: Settings, store: Store, tenants: Tenants, egress: Egress, ai_gateway: AiGateway, index: Callable[[], CapabilityIndex]
) -> ContextPlane:
    """Put both together. `index`: the capability index, whose word table and reranker serve here, too."""

    def table() -> WordTable | None:
        return index().table

    def reranker() -> Reranker | None:
        return index().reranker

    models, vectors = ContextModels(ai_gateway.calls, ai_gateway.names.of), ContextVectors(ai_gateway.calls)
    documents = assemble_documents(settings, store, egress, table, reranker, models, vectors=vectors)
    readers = (
        Extractions(store.context, store.extractions, models, lambda: tuple(tenants.live)),
        PairJudging(store.context, store.pairs, models, lambda: tuple(tenants.live)),
    )
    return assemble_context_plane(settings, store, table, reranker, documents=documents, readers=readers, vectors=vectors)
