"""Encoders and rerankers behind HTTP: what they add, and what becomes of a search when they fail."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable
from capability_index.encoders.endpoint_encoder import EndpointEncoder
from capability_index.encoders.sentence_encoder import SentenceEncoder
from capability_index.errors import EncoderUnavailable, EndpointFailed
from capability_index.index import CapabilityIndex
from capability_index.ranking.reranker import EndpointReranker
from capability_index.search import Visible

ALL = Visible(("*",))
Answer = Callable[[dict[str, Any]], Any]


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
    """A real HTTP client, as the server gives one."""
    try:
        with urlopen(Request(url, body, dict(headers)), timeout=timeout_s) as answer:
            content: bytes = answer.read()
            return content
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise EndpointFailed("no answer in time") from error


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve `answer` on loopback; yield its URL and the requests that came."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append(asked)
            body = json.dumps(answer(asked)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/embeddings", seen
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def embeddings(asked: dict[str, Any]) -> dict[str, Any]:
    """Vectors of four dimensions that know weather from everything else; sent in reverse order."""
    vectors = [[1.0, 0.1, 0.0, 0.2] if "eather" in text or "wetter" in text.lower() else [0.0, 1.0, 0.3, 0.1] for text in asked["input"]]
    return {"data": [{"index": at, "embedding": vector} for at, vector in reversed(list(enumerate(vectors)))]}


def test_a_configured_encoder_finds_what_the_table_cannot_read(index: CapabilityIndex, catalogue: list[Document]) -> None:
    """facts/retrieval.md: multilingual retrieval is what an endpoint adds."""
    with served(embeddings) as (url, seen):
        index.reembed(EndpointEncoder(url, "tiny", post, 4, query_timeout_s=5), lambda _: catalogue)
        found = index.search("Wie wird das Wetter", ALL)
        assert found.hits[0].slug == "weather.forecast"
        assert found.warnings == ()
        assert max(len(asked["input"]) for asked in seen) == len(catalogue)
        asked_before = len(seen)
        index.search("Wie wird das Wetter", ALL)
        assert len(seen) == asked_before  # remembered by text


def test_an_encoder_that_falls_silent_is_done_without(index: CapabilityIndex, catalogue: list[Document]) -> None:
    """issue 4: the embedded vector as fallback, with a visible warning, never an error."""
    now = [0.0]
    with served(embeddings) as (url, seen):
        encoder = EndpointEncoder(url, "tiny", post, 4, query_timeout_s=5, clock=lambda: now[0])
        index.reembed(encoder, lambda _: catalogue)
    before = len(seen)
    found = index.search("weather forecast", ALL)
    assert found.hits[0].slug == "weather.forecast"
    assert "encoder tiny: no answer in time; searched without it" in found.warnings
    assert "failed a moment ago" in index.search("send an email", ALL).warnings[0]
    report = index.upsert("*", [Document("new", "Weather map", "A map of the weather.")])
    assert "until the vectors are made again" in report.warnings[0]
    assert "not every operation has its vectors yet" in index.search("weather map", ALL).warnings[0]
    assert len(seen) == before
    with served(embeddings) as (url, seen):
        index.reembed(
            EndpointEncoder(url, "tiny", post, 4, query_timeout_s=5), lambda _: [*catalogue, Document("new", "Weather map", "A map.")]
        )
        assert sum(len(asked["input"]) for asked in seen) < 2 * (len(catalogue) + 1)
        assert index.search("weather map", ALL).warnings == ()


def test_searches_stay_in_the_old_space_until_the_new_one_is_whole(index: CapabilityIndex, catalogue: list[Document]) -> None:
    """issue 4: changing the model re-embeds blue/green while searches go on."""
    during: list[tuple[str, tuple[str, ...]]] = []

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        if len(asked["input"]) > 1:
            found = index.search("weather forecast", ALL, 1)
            during.append((found.hits[0].slug, found.warnings))
        return embeddings(asked)

    with served(answer) as (url, _):
        encoder = EndpointEncoder(url, "tiny", post, 4, query_timeout_s=5)
        index.reembed(encoder, lambda _: catalogue)
        models = {model for shard in index.segments()["*"].shards for model in shard.part.matrices}
        assert during == [("weather.forecast", ())]
        assert models == {"wordllama-l2-supercat-256", "tiny/4"}
        index.reembed(None, lambda _: catalogue)
        assert {model for shard in index.segments()["*"].shards for model in shard.part.matrices} == {"wordllama-l2-supercat-256"}


def test_a_failed_change_of_model_leaves_the_old_one(index: CapabilityIndex, catalogue: list[Document]) -> None:
    """The old space stays until the new one is whole."""
    with served(lambda asked: {"error": "overloaded"}) as (url, _), pytest.raises(EncoderUnavailable, match="does not have the form"):
        index.reembed(EndpointEncoder(url, "tiny", post, 4), lambda _: catalogue)
    assert index.search("weather forecast", ALL, 1).hits[0].slug == "weather.forecast"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"data": [{"index": 0, "embedding": [1.0, 2.0]}]}, "2 dimensions came, 4 are configured"),
        ({"data": []}, "does not have the form"),
        ([], "does not have the form"),
        ({"data": [{"index": 0, "embedding": ["a"] * 4}]}, "does not have the form"),
        ({"data": [{"index": 0, "embedding": "!!"}]}, "does not have the form"),
    ],
)
def test_a_wrong_answer_of_an_endpoint_is_named(answer: object, message: str) -> None:
    """A vector of another space never gets in."""
    with served(lambda asked: answer) as (url, _), pytest.raises(EncoderUnavailable, match=message):
        EndpointEncoder(url, "tiny", post, 4).encode(["a"])


def test_an_endpoint_says_its_dimension() -> None:
    """A space is named by model and dimension."""
    with served(embeddings) as (url, _):
        assert EndpointEncoder.dimension_of(url, "tiny", post) == 4
    with pytest.raises(EncoderUnavailable, match="no answer in time"):
        EndpointEncoder.dimension_of(url, "tiny", post)


def test_many_texts_go_in_batches_and_come_back_in_order() -> None:
    """issue 4: batched."""

    def numbered(asked: dict[str, Any]) -> dict[str, Any]:
        return {"data": [{"index": at, "embedding": [float(text), 1.0]} for at, text in enumerate(asked["input"])]}

    with served(numbered) as (url, seen):
        vectors = EndpointEncoder(url, "numbers", post, 2).encode([str(number) for number in range(150)])
    assert [len(asked["input"]) for asked in seen] == [64, 64, 22]
    assert np.allclose(vectors[:, 0] / vectors[:, 1], range(150), rtol=1e-4)


def test_a_reranker_has_the_last_word(table: WordTable, catalogue: list[Document]) -> None:
    """issue 4: optional reranker endpoint."""

    def rank(asked: dict[str, Any]) -> dict[str, Any]:
        return {"results": [{"index": at, "relevance_score": float("calendar" in text)} for at, text in enumerate(asked["documents"])]}

    text_by_slug = {document.slug: document.summary for document in catalogue}
    with served(rank) as (url, _):
        index = CapabilityIndex(table, reranker=EndpointReranker(url, "judge", post, lambda _, slug: text_by_slug[slug], deadline_s=5))
        index.upsert("*", catalogue)
        assert index.search("send an email", ALL, 1).hits[0].slug == "calendar.create"
    found = index.search("send an email", ALL, 1)
    assert found.hits[0].slug == "mail.send"
    assert found.warnings == ("reranker judge: no answer in time; ranked without it",)


def test_a_key_is_sent_and_not_shown() -> None:
    """Nothing secret in errors."""
    headers_seen: list[Mapping[str, str]] = []

    def refusing(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
        headers_seen.append(headers)
        raise EndpointFailed("status 401")

    with pytest.raises(EncoderUnavailable) as caught:
        EndpointEncoder("http://127.0.0.1:9/v1/embeddings", "tiny", refusing, 4, api_key="hush-hush").encode(["a"])
    assert headers_seen[0]["authorization"] == "Bearer hush-hush"
    assert "hush" not in str(caught.value)


def test_sentence_transformers_that_is_not_installed_is_named() -> None:
    """An extra: never needed, never imported by default."""
    try:
        import sentence_transformers  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415
    except ImportError:
        with pytest.raises(EncoderUnavailable, match="sentence-transformers is not installed"):
            SentenceEncoder("all-MiniLM-L6-v2")
