"""Embeddings and rankings at providers with words of their own."""

import base64
import json
import struct
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, target_of
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.token_usage import TokenUsage


def gemini_request(text: str) -> dict[str, Any]:
    return {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 8}


ASKED: list[tuple[Dialect, str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "gemini", "gemini-embedding-001", {"dimensions": 8}, "/v1beta/models/gemini-embedding-001:batchEmbedContents",
        {"requests": [gemini_request("a"), gemini_request("b")]},
    ),
    ("workers_ai", "@cf/baai/bge-m3", {}, "/ai/run/@cf/baai/bge-m3", {"text": ["a", "b"]}),
    (
        "bedrock", "cohere.embed-v4:0", {}, "/model/cohere.embed-v4%3A0/invoke",
        {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]},
    ),
]  # fmt: skip
ANSWERS: list[tuple[Dialect, dict[str, Any]]] = [
    ("gemini", {"embeddings": [{"values": [0.5, 1.0]}, {"values": [0.0, 2.0]}]}),
    ("workers_ai", {"result": {"shape": [2, 2], "data": [[0.5, 1.0], [0.0, 2.0]]}, "success": True}),
    ("bedrock", {"embeddings": {"float": [[0.5, 1.0], [0.0, 2.0]]}}),
    ("bedrock", {"embeddings": [[0.5, 1.0], [0.0, 2.0]]}),
]


@pytest.mark.parametrize(("dialect", "model", "more", "path", "body"), ASKED, ids=[each[0] for each in ASKED])
def test_texts_are_sent_as_each_provider_takes_them(dialect: Dialect, model: str, more: Any, path: str, body: Any) -> None:
    request = asked("embeddings", {"model": "m", "input": ["a", "b"], "encoding_format": "base64", "user": "u", **more})
    sent = exchange_of("embeddings", provider_of(dialect)).request(request, target_of(dialect, model), None)
    assert (sent.path, json.loads(sent.body)) == (path, body)


@pytest.mark.parametrize(("dialect", "answer"), ANSWERS, ids=[f"{number}-{each[0]}" for number, each in enumerate(ANSWERS)])
@pytest.mark.parametrize("form", ["float", "base64"])
def test_vectors_come_back_as_openais(dialect: Dialect, answer: Any, form: str) -> None:
    request = asked("embeddings", {"model": "m", "input": ["a", "b"], "encoding_format": form})
    got = exchange_of("embeddings", provider_of(dialect)).whole(request, target_of(dialect), {}, json.dumps(answer).encode())
    rows = [row["embedding"] for row in json.loads(got.body)["data"]]
    read = [list(struct.unpack("<2f", base64.b64decode(row))) for row in rows] if form == "base64" else rows
    assert read == [[0.5, 1.0], [0.0, 2.0]]
    assert got.usage is None


def test_titan_takes_one_text_and_says_what_it_used() -> None:
    exchange, target = exchange_of("embeddings", provider_of("bedrock")), target_of("bedrock", "amazon.titan-embed-text-v2:0")
    sent = exchange.request(asked("embeddings", {"model": "m", "input": "a", "dimensions": 256}), target, None)
    assert json.loads(sent.body) == {"inputText": "a", "dimensions": 256}
    answer = exchange.whole(asked("embeddings", {"model": "m", "input": "a"}), target, {}, b'{"embedding":[1.0],"inputTextTokenCount":3}')
    assert answer.usage == TokenUsage(3)
    with pytest.raises(ModelCallRefused, match="several texts"):
        exchange.request(asked("embeddings", {"model": "m", "input": ["a", "b"]}), target, None)


@pytest.mark.parametrize("question", [[1, 2], [], None, [[1]]])
def test_what_is_no_text_is_refused(question: Any) -> None:
    with pytest.raises(ModelCallRefused):
        exchange_of("embeddings", provider_of("gemini")).request(asked("embeddings", {"input": question}), target_of("gemini"), None)


def test_a_ranking_of_workers_ai() -> None:
    request = asked("rerank", {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": True})
    exchange, target = exchange_of("rerank", provider_of("workers_ai")), target_of("workers_ai", "@cf/baai/bge-reranker-base")
    assert json.loads(exchange.request(request, target, None).body) == {
        "query": "q",
        "contexts": [{"text": "a"}, {"text": "b"}],
        "top_k": 1,
    }
    answer = exchange.whole(request, target, {}, b'{"result":{"response":[{"id":1,"score":0.9}]},"success":true}')
    assert json.loads(answer.body)["results"] == [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"result":{"data":[["x"]]}}', b'{"embeddings":7}', b"<html>"])
@pytest.mark.parametrize("dialect", ["gemini", "workers_ai", "bedrock"])
def test_whatever_else_comes_back_is_malformed(dialect: Dialect, body: bytes) -> None:
    request = asked("embeddings", {"model": "m", "input": "a", "encoding_format": "base64"})
    with pytest.raises(MalformedAnswer):
        exchange_of("embeddings", provider_of(dialect)).whole(request, target_of(dialect), {}, body)
