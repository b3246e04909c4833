"""context_query, context_explain: what is known, and why it is answered."""

from collections.abc import Mapping

from tools.context_plane.retrieval.asked_facts import LIMIT, MAX_CHARS, MOST, read_asked
from tools.context_plane.retrieval.explanation import FactExplanation
from tools.context_plane.retrieval.fact_query import FactQuery
from tools.context_plane.retrieval.shown_fact import DATA_NOT_INSTRUCTIONS, shown_answer
from tools.context_plane.stores import Scope
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

READ = "context:read"
MAX_QUERY_CHARS = 2_000
#: read-only: they are compiled into validators, never changed
_TIME: Mapping[str, Json] = {"type": "string", "maxLength": 40}
_NAMES: Mapping[str, Json] = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 300}, "maxItems": 20}
QUESTION: Mapping[str, Json] = {
    "query": {"type": "string", "maxLength": MAX_QUERY_CHARS},
    "entities": _NAMES,
    "predicates": _NAMES,
    "sources": _NAMES,
    "as_of": _TIME,
    "known_at": _TIME,
    "history": {"type": "boolean"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
}
MIN_CHARS = 500


class FactQuestions:
    """Asks for the caller: the tenant and whose private facts are from the principal alone."""

    def __init__(self, query: FactQuery) -> None:
        self._query = query

    async def __call__(self, call: Call) -> Outcome:
        asked = read_asked(call.arguments, self._query.now_us())
        answer = await self._query.answer(scope_of(call), asked)
        note = DATA_NOT_INSTRUCTIONS if answer.facts else None
        return Outcome("ok", data=shown_answer(answer, asked.max_chars), note=note)

    def function(self) -> BuiltinFunction:
        chars: dict[str, Json] = {"type": "integer", "minimum": MIN_CHARS, "maximum": MAX_CHARS, "default": MAX_CHARS}
        schema = {"type": "object", "properties": {**QUESTION, "max_chars": chars}, "additionalProperties": False}
        example = {"query": "who is the champion at Kahuna", "as_of": "2026-02-15"}
        return BuiltinFunction("context_query", self, schema, scope=READ, example=example)


class FactReasons:
    """Explains an answer, or one fact in it or missing from it."""

    def __init__(self, query: FactQuery, explanation: FactExplanation) -> None:
        self._query, self._explanation = query, explanation

    async def __call__(self, call: Call) -> Outcome:
        asked = read_asked(call.arguments, self._query.now_us())
        query_id, fact_id = call.arguments.get("query_id"), call.arguments.get("fact_id")
        data = await self._explanation.explain(scope_of(call), query_id, asked, fact_id)
        return Outcome("ok", data=data, note=DATA_NOT_INSTRUCTIONS if data["facts"] else None)

    def function(self) -> BuiltinFunction:
        ids = {name: {"type": "string", "maxLength": 40} for name in ("query_id", "fact_id")}
        schema = {"type": "object", "properties": {**ids, **QUESTION}, "additionalProperties": False}
        example = {"query": "who is the champion at Kahuna", "fact_id": "fct_1k9qz"}
        return BuiltinFunction("context_explain", self, schema, scope=READ, example=example)


def scope_of(call: Call) -> Scope:
    """Return who looks."""
    return Scope(call.principal.tenant_id, call.principal.subject)


def context_questions(query: FactQuery, explanation: FactExplanation) -> list[BuiltinFunction]:
    """Return the operations that read."""
    return [FactQuestions(query).function(), FactReasons(query, explanation).function()]
