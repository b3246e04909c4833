"""llm.*: model calls from a conversation, through the same door, ledger and budgets as those over /v1."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from oauth.scopes import MODELS
from oauth.sign_in.person_names import NameOf
from tools.ai_gateway.calls import ModelCalls
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, ModelTrace, Surface, Wishes
from tools.ai_gateway.replies import WholeReply
from tools.operation import Call, Failure, Json, Outcome
from tools.sources.builtin import BuiltinFunction
from tools.sources.response_headers import is_number

#: a model may think for minutes; the caller's own deadline ends it sooner
TIMEOUT_S = 300.0
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504, 529})
_HINTS = {
    "budget_exceeded": "an operator sets budgets with `ascend ai apply`; a cheaper model may still fit",
    "model_not_allowed": "llm.models.list shows what may be used here",
    "model_not_found": "llm.models.list shows what may be used here",
    "frontier_needs_model": "name the model, like anthropic/claude-opus-4-8",
}
_MESSAGES: Json = {"type": "array", "items": {"type": "object"}, "minItems": 1}
_ASKED: dict[str, Json] = {
    "prompt": {"type": "string", "minLength": 1},
    "messages": _MESSAGES,
    "model": {"type": "string"},
    "max_tokens": {"type": "integer", "minimum": 1},
    "json_schema": {"type": "object"},
    "user": {"type": "string", "maxLength": 256},
}


class ModelInvocation:
    """Asks a model. `provider`: the only one that may answer; "" where route or tier decide."""

    def __init__(self, asking: "Asking", slug: str, provider: str = "") -> None:
        self._asking, self._slug, self._provider = asking, slug, provider

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        if ("prompt" in given) == ("messages" in given):
            return _refused("invalid_arguments", "give either prompt or messages, and not both")
        messages = given.get("messages") or [{"role": "user", "content": given["prompt"]}]
        body: dict[str, Json] = {"messages": messages}
        for name in ("model", "max_tokens"):
            if name in given:
                body[name] = given[name]
        if "json_schema" in given:
            schema = {"name": "answer", "schema": given["json_schema"]}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        wishes = Wishes(user=given.get("user", ""), tier=given.get("tier", ""), provider=self._provider)
        answer = await self._asking.answer(call, "chat", body, wishes)
        return answer if isinstance(answer, Outcome) else Outcome("ok", data=_answered(answer.body, answer))

    def function(self) -> BuiltinFunction:
        properties = dict(_ASKED)
        if not self._provider:
            properties["tier"] = {"type": "string", "enum": ["bulk", "standard", "frontier"], "default": "bulk"}
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return _function(self._slug, self, schema, {"prompt": "Summarise in two sentences: …"})


class Embedding:
    """Turns texts into vectors."""

    def __init__(self, asking: "Asking") -> None:
        self._asking = asking

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        body = {"model": given["model"], "input": given["texts"], "encoding_format": "float"}
        answer = await self._asking.answer(call, "embeddings", body, Wishes(user=given.get("user", "")))
        if isinstance(answer, Outcome):
            return answer
        vectors = [row.get("embedding") for row in answer.body.get("data") or []]
        return Outcome("ok", data={"embeddings": vectors, **_facts(answer)})

    def function(self) -> BuiltinFunction:
        texts = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2_048}
        properties: dict[str, Json] = {"model": {"type": "string"}, "texts": texts, "user": {"type": "string", "maxLength": 256}}
        schema = {"type": "object", "properties": properties, "required": ["model", "texts"], "additionalProperties": False}
        return _function("llm.embed", self, schema, {"model": "openai/text-embedding-3-small", "texts": ["a text"]})


class Reranking:
    """Orders documents by how well they answer a query."""

    def __init__(self, asking: "Asking") -> None:
        self._asking = asking

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        body = {name: given[name] for name in ("model", "query", "documents", "top_n") if name in given}
        answer = await self._asking.answer(call, "rerank", body, Wishes())
        if isinstance(answer, Outcome):
            return answer
        return Outcome("ok", data={"results": answer.body.get("results"), **_facts(answer)})

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "model": {"type": "string"},
            "query": {"type": "string", "minLength": 1},
            "documents": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1_000},
            "top_n": {"type": "integer", "minimum": 1},
        }
        schema = {"type": "object", "properties": properties, "required": ["model", "query", "documents"], "additionalProperties": False}
        example = {"model": "openai/reranker", "query": "who left?", "documents": ["Ada left in March.", "Bo stays."]}
        return _function("llm.rerank", self, schema, example)


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer of a provider, read."""

    reply: WholeReply
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Asking:
    """The door of the AI gateway for who calls in a conversation. `name_of`: what budgets call the person."""

    calls: ModelCalls
    name_of: NameOf

    async def answer(self, call: Call, surface: Surface, body: dict[str, Json], wishes: Wishes) -> Answered | Outcome:
        """Return the answer, or what became of a call that has none."""
        principal = call.principal
        caller = ModelCaller(principal.tenant_id, user=await self.name_of(principal), principal=principal)
        reply = await self.calls.answer(ModelRequest(surface, orjson.dumps(body), body, caller, wishes, trace=ModelTrace(call.trace_id)))
        if not isinstance(reply, WholeReply):
            raise RuntimeError("a stream came where none was asked for")
        if reply.status >= 400:
            return _failed(reply)
        return Answered(reply, orjson.loads(reply.body))


def _answered(body: Mapping[str, Json], answer: Answered) -> dict[str, Json]:
    choices = body.get("choices") or [{}]
    message = choices[0].get("message") or {}
    return {"text": message.get("content"), "tool_calls": message.get("tool_calls") or [], **_facts(answer)}


def _facts(answer: Answered) -> dict[str, Json]:
    """Return what an answer was made by and cost."""
    headers = answer.reply.headers
    cost = headers.get("x-gateway-cost")
    return {
        "model": headers.get("x-gateway-model"),
        "provider": headers.get("x-gateway-provider"),
        "usage": answer.body.get("usage"),
        "cost_usd": None if cost is None else float(cost),
        "cached": headers.get("x-gateway-cache") in ("hit", "semantic"),
        "request_id": headers.get("x-gateway-request-id"),
    }


def _failed(reply: WholeReply) -> Outcome:
    """Return a refusal, the provider's or ours, as other operations fail."""
    code = reply.headers.get("x-gateway-error", "")
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    retry_after = reply.headers.get("retry-after", "")
    failure = Failure(
        code or "model_refused",
        str(message or f"the model's provider answered {reply.status}")[:2_000],
        retryable=reply.status in _RETRYABLE and code != "budget_exceeded",
        retry_after_s=float(retry_after) if is_number(retry_after) else None,
        # A provider's refusal as it came; ours has no other words than these.
        upstream=None if code else {"status": reply.status, "body": body},
        hint=_HINTS.get(code),
        declined=True,
    )
    return Outcome("error", error=failure)


def _refused(code: str, message: str) -> Outcome:
    return Outcome("error", error=Failure(code, message))


def _function(
    slug: str, run: "ModelInvocation | Embedding | Reranking", schema: Mapping[str, Json], example: Mapping[str, Json]
) -> BuiltinFunction:
    return BuiltinFunction(slug, run, schema, idempotent=False, scope=MODELS, timeout_s=TIMEOUT_S, example=example)


def llm_calls(calls: ModelCalls, name_of: NameOf) -> list[BuiltinFunction]:
    """Return the operations that spend."""
    asking = Asking(calls, name_of)
    return [
        ModelInvocation(asking, "llm.invoke").function(),
        ModelInvocation(asking, "llm.claude", "anthropic").function(),
        ModelInvocation(asking, "llm.perplexity", "perplexity").function(),
        ModelInvocation(asking, "llm.bedrock", "bedrock").function(),
        Embedding(asking).function(),
        Reranking(asking).function(),
    ]
