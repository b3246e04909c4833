"""rag_search, rag_query: what documents say, with where they say it."""

from collections.abc import Mapping

from tools.builtins.context.rag_documents import seen_labels
from tools.context_plane.ids import DOCUMENT, id_number, id_text
from tools.context_plane.rag.answers import Citation, DocumentAnswers
from tools.context_plane.rag.passages import FoundPassage, PassageSearch
from tools.context_plane.rag.question_limit import QuestionLimit
from tools.context_plane.rag.records import DocumentFilter
from tools.context_plane.stores import Scope
from tools.operation import Call, Json, Outcome
from tools.plain_text import visible
from tools.sources.builtin import BuiltinFunction

#: stands for an id that is none, so that it fits no document
_NOWHERE = 0
_BEHIND = "what was uploaded within the last moments may be missing; ask again"
_TEXTS: Json = {"type": "array", "items": {"type": "string", "maxLength": 300}, "minItems": 1, "maxItems": 100}
_FILTER: Json = {
    "type": "object",
    "properties": {
        "documents": _TEXTS,
        "names": _TEXTS,
        "media_types": _TEXTS,
        "metadata": {"type": "object", "maxProperties": 20, "additionalProperties": {"type": ["string", "number", "boolean"]}},
    },
    "additionalProperties": False,
}
_QUERY: Json = {"type": "string", "minLength": 1, "maxLength": 2_000}


class DocumentSearch:
    """Finds passages."""

    def __init__(self, search: PassageSearch) -> None:
        self._search = search

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        scope = Scope(call.principal.tenant_id, call.principal.subject)
        found = await self._search.search(scope, given["query"], _filter(given.get("filter", {})), given.get("limit", 10))
        data: dict[str, Json] = {"passages": [passage_row(each) for each in found.passages], "low_confidence": found.low_confidence}
        if found.without:
            data["without_vectors"] = found.without
        return Outcome("ok", data=data, note=_BEHIND if found.is_behind else None)

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "query": _QUERY,
            "filter": _FILTER,
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        }
        schema = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}
        return BuiltinFunction("rag_search", self, schema, scope="context:read", example={"query": "how much notice does a tenant give?"})


class DocumentQuestion:
    """Answers from documents, with citations."""

    def __init__(self, answers: DocumentAnswers, limit: QuestionLimit) -> None:
        self._answers, self._limit = answers, limit

    async def __call__(self, call: Call) -> Outcome:
        given, principal = call.arguments, call.principal
        self._limit.take(Scope(principal.tenant_id, principal.subject))
        wanted = _filter(given.get("filter", {}))
        found = await self._answers.answer(principal, given["query"], wanted, given.get("limit", 5), in_prose=given.get("answer", True))
        data: dict[str, Json] = {
            "answer": found.answer,
            "answered_by": found.answered_by,
            "citations": [citation_row(each) for each in found.citations],
            "low_confidence": found.low_confidence,
        }
        if found.without:
            data["without_vectors"] = found.without
        if found.unsupported:
            data["unsupported"] = list(found.unsupported)
        return Outcome("ok", data=data, note=_BEHIND if found.is_behind else found.note)

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "query": _QUERY,
            "filter": _FILTER,
            "limit": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
            "answer": {"type": "boolean", "default": True},
        }
        schema = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}
        example = {"query": "how much notice does a tenant give?", "limit": 3}
        return BuiltinFunction("rag_query", self, schema, scope="context:read", example=example, timeout_s=60.0)


def _filter(given: Mapping[str, Json]) -> DocumentFilter:
    return DocumentFilter(
        document_ids=tuple(id_number(DOCUMENT, text) or _NOWHERE for text in given.get("documents", ())),
        names=tuple(map(visible, given.get("names", ()))),
        media_types=tuple(map(visible, given.get("media_types", ()))),
        metadata=seen_labels(given.get("metadata", {})),
    )


def passage_row(found: FoundPassage) -> dict[str, Json]:
    """Return a passage as callers see it."""
    passage = found.passage
    return {
        "document_id": id_text(DOCUMENT, passage.document_id),
        "name": passage.name,
        "heading": passage.heading,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "score": round(found.score, 4),
    }


def citation_row(citation: Citation) -> dict[str, Json]:
    """Return a citation as callers see it."""
    passage, quote = citation.found.passage, citation.quote
    return {
        "n": citation.n,
        "document_id": id_text(DOCUMENT, passage.document_id),
        "name": passage.name,
        "heading": passage.heading,
        "quote": quote.text,
        "start": quote.start,
        "end": quote.end,
        "page": passage.page,
    }
