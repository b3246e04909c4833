"""Catalogues to measure on: the development data beside the repository, and made-up ones of any size."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from capability_index.documents import Document
from capability_index.encoders.word_file import word_files
from capability_index.evaluation import JudgedQuery, load_queries, load_tools
from capability_index.lexical import Postings
from capability_index.operations import Operations, Slugs, slug_sum
from capability_index.part import Segment
from capability_index.vectors import Matrix, whole_rows

DATA = Path(__file__).resolve().parents[2] / "shared" / "retrieval"
JUDGED = ("toole_single", "sealtools", "bfcl")
NONSENSE = Path(__file__).with_name("index_nonsense.txt")


@dataclass(frozen=True, slots=True)
class Catalogue:
    name: str
    documents: list[Document]
    queries: list[JudgedQuery]


def given(max_queries: int) -> Iterator[Catalogue]:
    """Yield the judged sets, each with a sample of its queries; nothing where the data is absent."""
    for name in JUDGED:
        if (DATA / name).is_dir():
            yield Catalogue(name, load_tools(DATA / name), sample(load_queries(DATA / name), max_queries))


def merged(max_queries: int) -> Catalogue:
    """Return all tools of all folders in one catalogue, with queries of the judged ones; their ids say where they are from."""
    documents: list[Document] = []
    queries: list[JudgedQuery] = []
    for folder in sorted(path.parent for path in DATA.glob("*/tools.jsonl")):
        documents += [replace(document, slug=f"{folder.name}|{document.slug}") for document in load_tools(folder)]
        for query in sample(load_queries(folder), max_queries):
            queries.append(JudgedQuery(query.text, frozenset(f"{folder.name}|{gold}" for gold in query.gold)))
    return Catalogue("all folders in one", documents, queries)


def sample(queries: list[JudgedQuery], count: int) -> list[JudgedQuery]:
    return random.Random(7).sample(queries, count) if len(queries) > count else queries


def nonsense() -> Iterator[tuple[str, str]]:
    """Yield (kind, intent)."""
    kind = ""
    for line in NONSENSE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            yield kind, line


def vocabulary() -> list[str]:
    """Return English words that the table has whole."""
    ids: dict[str, int] = json.loads(word_files()[1].read_bytes())["model"]["vocab"]
    words = [piece.removeprefix("▁") for piece, _ in sorted(ids.items(), key=lambda entry: entry[1])]
    return [word for word in dict.fromkeys(words) if word.isascii() and word.islower() and word.isalpha() and len(word) > 3]


#: as often as in real documents, roughly
METHODS = (("GET", "read"), ("GET", "read"), ("POST", "write"), ("PATCH", "write"), ("DELETE", "destructive"))


def made_up(count: int) -> list[Document]:
    """Return `count` operations of a few words each, common words more often than rare ones, as in real ones."""
    chance, words = random.Random(1), vocabulary()

    def text(size: int) -> str:
        return " ".join(words[int(len(words) * chance.random() ** 3)] for _ in range(size))

    def one(row: int) -> Document:
        method, access = METHODS[row % len(METHODS)]
        return Document(
            slug=f"p{row % 50}.thing{row}.do",
            title=text(3),
            summary=text(12),
            tags=(text(1),),
            provider=f"p{row % 50}",
            path=f"/{text(1)}/{{id}}/{text(1)}",
            method=method,
            access=access,
        )

    return [one(row) for row in range(count)]


def repeated(part: Segment, times: int) -> Segment:
    """Return a part of `times` as many rows: the same words, vectors a little turned. Made in seconds, for a million rows."""
    chance = np.random.default_rng(3)
    (model, matrix), n, postings = next(iter(part.matrices.items())), len(part), part.postings
    known = whole_rows(matrix)
    vectors = np.empty((n * times, known.shape[1]), np.float32)
    for at in range(times):
        block = known + chance.standard_normal(known.shape, np.float32) * np.float32(0.03)
        vectors[at * n : (at + 1) * n] = block / np.linalg.norm(block, axis=1, keepdims=True)
    held = part.operations
    slugs = [f"{held.slugs[row]}-{at}" for at in range(times) for row in range(n)]
    sizes = postings.starts[1:] - postings.starts[:-1]
    starts = np.concatenate(([0], np.cumsum(sizes * times)))
    rows, weights = np.empty(len(postings.rows) * times, np.int32), np.empty(len(postings.rows) * times, np.uint16)
    for term, (start, end) in enumerate(zip(postings.starts[:-1].tolist(), postings.starts[1:].tolist(), strict=True)):
        place = slice(int(starts[term]), int(starts[term + 1]))
        rows[place] = (np.arange(times, dtype=np.int32)[:, None] * n + postings.rows[start:end]).ravel()
        weights[place] = np.tile(postings.weights[start:end], times)
    every = [np.arange(n)] * times
    operations = Operations.joined([held] * times, every, [np.arange(len(postings.words), dtype=np.int32)] * times)
    return Segment.of(
        part.analysis,
        ids=np.fromiter(map(slug_sum, slugs), np.int64, len(slugs)),
        columns=np.zeros((0, n * times), np.int64),
        lengths=np.zeros((n * times, 0), np.uint16),
        postings=Postings(postings.term_ids, postings.words, starts, rows, weights, postings.counts),
        matrices={model: Matrix.of(vectors)},
        evidence=part.evidence,
        operations=replace(operations, slugs=Slugs.of(slugs)),
        neighbours=part.neighbours,
    )
