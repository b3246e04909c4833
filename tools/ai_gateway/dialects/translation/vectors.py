"""Embeddings and rankings, which are asked for in OpenAI's words, at providers that have others for them."""

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tools.ai_gateway.dialects.conversation.members import Members
from tools.ai_gateway.dialects.exchange import FaultInside, MalformedAnswer, ProviderFault, ProviderRequest, StreamReader, WholeAnswer
from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.body_members import refuse_repeated_names
from tools.ai_gateway.dialects.native.native_exchange import is_refusal
from tools.ai_gateway.dialects.native.opaque_reader import OpaqueReader
from tools.ai_gateway.dialects.native.paths import sent_path
from tools.ai_gateway.dialects.providers.gemini.dialect import model_path
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.dialects.providers.workers_ai.dialect import run_path
from tools.ai_gateway.dialects.translation.told_faults import told, told_inside
from tools.ai_gateway.dialects.usage.counts import count, says
from tools.ai_gateway.dialects.usage.openai_usage import openai_usage
from tools.ai_gateway.dialects.usage.other_usage import gemini_usage
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.refusals import invalid_request, unsupported
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import decode, encode
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class VectorWords:
    """How a provider is asked, and how its answer becomes OpenAI's (without `model`) with what it used."""

    ask: Callable[[Mapping[str, Json], ModelTarget], ProviderRequest]
    read: Callable[[Json, Mapping[str, Json]], tuple[dict[str, Any], TokenUsage | None]]


class VectorExchange:
    """An Exchange; see there. There are no streams here."""

    translates = True

    def __init__(self, words: VectorWords) -> None:
        self._words = words

    def needs(self, request: ModelRequest) -> frozenset[str]:
        return frozenset()

    def request(self, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        refuse_repeated_names(request.raw, request.body)
        return self._words.ask(request.body, target)

    def whole(self, request: ModelRequest, target: ModelTarget, headers: Mapping[str, str], body: bytes) -> WholeAnswer:
        try:
            said = decode(body)
            if is_refusal(said):
                raise FaultInside(told_inside("openai", body))
            answer, usage = self._words.read(said, request.body)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, struct.error) as error:
            raise MalformedAnswer(f"an answer that is none of its dialect: {type(error).__name__}") from error
        shown = usage.input_tokens if usage else len(request.raw) // 4
        answer["usage"] = {"prompt_tokens": shown, "total_tokens": shown}
        return WholeAnswer(encode({**answer, "model": target.model}), usage)

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
        return told("openai", status, headers, body)

    def reader(self, request: ModelRequest, target: ModelTarget) -> StreamReader:
        return OpaqueReader()

    def replay(self, request: ModelRequest, body: bytes) -> Sequence[bytes]:
        return [body]

    def refusal(self, code: str, status: int, message: str, param: str | None, request_id: str) -> bytes:
        return error_body("openai", status, ErrorText(message, code, param=param), request_id)


def _asked(body: Mapping[str, Json], target: ModelTarget) -> tuple[list[str], int | None]:
    """Return the texts and the size that is wished for."""
    given = Members(dict(body), "", target.provider.name)
    given.leave("model", "user")
    given.leave_if("encoding_format", "float", "base64")
    said = given.any("input")
    texts = [said] if isinstance(said, str) else said
    if isinstance(texts, list) and texts and not all(isinstance(each, str) for each in texts):
        raise unsupported("input of token numbers", target.provider.name)
    if not isinstance(texts, list) or not texts:
        raise invalid_request("input: a text or a list of texts belongs here", "input")
    size = given.whole_number("dimensions")
    given.refuse_rest()
    return texts, size


def _rows(vectors: Sequence[Sequence[float]], body: Mapping[str, Json]) -> dict[str, Any]:
    """Return vectors as OpenAI's rows; its own SDK asks for base64 and reads nothing else then."""
    as_base64 = body.get("encoding_format") == "base64"
    rows = []
    for index, vector in enumerate(vectors):
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if as_base64 else vector
        rows.append({"object": "embedding", "index": index, "embedding": packed})
    return {"object": "list", "data": rows}


def _ask_gemini(body: Mapping[str, Json], target: ModelTarget) -> ProviderRequest:
    texts, size = _asked(body, target)
    more = {} if size is None else {"outputDimensionality": size}
    name = f"models/{target.model.removeprefix('models/')}"
    requests = [{"model": name, "content": {"parts": [{"text": text}]}, **more} for text in texts]
    path = sent_path(target.provider.base_url, model_path(target.model, "batchEmbedContents"))
    return ProviderRequest(path, encode({"requests": requests}), JSON_HEADERS)


def _read_gemini(said: Json, body: Mapping[str, Json]) -> tuple[dict[str, Any], TokenUsage | None]:
    return _rows([each["values"] for each in said["embeddings"]], body), gemini_usage(said.get("usageMetadata"))


def _ask_workers(body: Mapping[str, Json], target: ModelTarget) -> ProviderRequest:
    texts, size = _asked(body, target)
    if size is not None:
        raise unsupported("dimensions", target.provider.name)
    return ProviderRequest(run_path(target.model), encode({"text": texts}), JSON_HEADERS)


def _read_workers(said: Json, body: Mapping[str, Json]) -> tuple[dict[str, Any], TokenUsage | None]:
    result = said["result"]
    return _rows(result["data"], body), openai_usage(result.get("usage"))


def _ask_bedrock(body: Mapping[str, Json], target: ModelTarget) -> ProviderRequest:
    """Titan takes one text, Cohere many; other embedding models have shapes of their own."""
    texts, size = _asked(body, target)
    if "cohere.embed" in target.model:
        asked: dict[str, Any] = {"texts": texts, "input_type": "search_document", "embedding_types": ["float"]}
        asked |= {} if size is None else {"output_dimension": size}
    elif "titan-embed" in target.model:
        if len(texts) > 1:
            raise unsupported("an input of several texts", target.name)
        asked = {"inputText": texts[0]} | ({} if size is None else {"dimensions": size})
    else:
        raise unsupported("embeddings", target.name)
    return ProviderRequest(f"/model/{quote(target.model, safe='')}/invoke", encode(asked), JSON_HEADERS)


def _read_bedrock(said: Json, body: Mapping[str, Json]) -> tuple[dict[str, Any], TokenUsage | None]:
    if "embedding" in said:
        usage = TokenUsage(count(said, "inputTextTokenCount")) if says(said, "inputTextTokenCount") else None
        return _rows([said["embedding"]], body), usage
    vectors = said["embeddings"]
    return _rows(vectors["float"] if isinstance(vectors, dict) else vectors, body), None


def _ask_workers_rerank(body: Mapping[str, Json], target: ModelTarget) -> ProviderRequest:
    given = Members(dict(body), "", target.provider.name)
    given.leave("model", "user", "return_documents")
    query, most = given.needed_text("query"), given.whole_number("top_n")
    documents = given.any("documents")
    texts = [_document(each) for each in documents] if isinstance(documents, list) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise invalid_request("documents: a list of texts belongs here", "documents")
    given.refuse_rest()
    asked = {"query": query, "contexts": [{"text": text} for text in texts]} | ({} if most is None else {"top_k": most})
    return ProviderRequest(run_path(target.model), encode(asked), JSON_HEADERS)


def _document(given: Json) -> Json:
    return given.get("text") if isinstance(given, dict) else given


def _read_workers_rerank(said: Json, body: Mapping[str, Json]) -> tuple[dict[str, Any], TokenUsage | None]:
    documents = body["documents"]
    rows = []
    for found in said["result"]["response"]:
        row = {"index": found["id"], "relevance_score": found["score"]}
        rows.append(row | ({"document": {"text": _document(documents[found["id"]])}} if body.get("return_documents") else {}))
    return {"results": rows}, openai_usage(said["result"].get("usage"))


GEMINI_EMBEDDINGS = VectorExchange(VectorWords(_ask_gemini, _read_gemini))
WORKERS_EMBEDDINGS = VectorExchange(VectorWords(_ask_workers, _read_workers))
BEDROCK_EMBEDDINGS = VectorExchange(VectorWords(_ask_bedrock, _read_bedrock))
WORKERS_RERANK = VectorExchange(VectorWords(_ask_workers_rerank, _read_workers_rerank))
