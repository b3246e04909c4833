"""The URLs of the context plane (context contract §3)."""

from server.rest_api.route import Route, Routes

_LARGEST_PAGE = 20

_DOCUMENTS = Route("rag_documents", "none", takes=frozenset({"cursor", "limit"}))
CONTEXT_ROUTES: Routes = {
    "/v1/context/query": {"POST": Route("context_query")},
    "/v1/context/explain": {"POST": Route("context_explain")},
    "/v1/context/facts": {"POST": Route("context_assert")},
    "/v1/context/retract": {"POST": Route("context_retract")},
    "/v1/context/forget": {"POST": Route("context_forget", confirms=True)},
    "/v1/context/entities/{}": {
        # An entity is shown by what is known of it: no query, so its facts come, newest first.
        "GET": Route(
            "context_query", "none", names="entities", takes=frozenset({"as_of", "known_at", "history"}), given={"limit": _LARGEST_PAGE}
        )
    },
    "/v1/context/entities/{}/proposals": {"GET": Route("context_proposals", "none", names="entity", takes=frozenset({"decided", "limit"}))},
    "/v1/context/proposals": {"GET": Route("context_proposals", "none", takes=frozenset({"decided", "limit"}))},
    "/v1/context/link": {"POST": Route("context_link")},
    "/v1/rag/documents": {"GET": _DOCUMENTS, "POST": Route("rag_upload", "document", status=202)},
    "/v1/rag/documents/{}": {
        "GET": Route("rag_documents", "none", names="document_id"),
        "DELETE": Route("rag_delete", "none", names="document_id", confirms=True),
    },
    "/v1/rag/search": {"POST": Route("rag_search")},
    "/v1/rag/query": {"POST": Route("rag_query")},
}
