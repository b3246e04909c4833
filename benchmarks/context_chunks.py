"""How well documents are read and cut: `python -m benchmarks context_chunks`.

Goals: of the text that answers a question at least 91 % stands in the first chunks found, 6,000 characters of them; every chunk is a
slice of the text that is kept; 150 pages of PDF a second.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.index_catalogues import DATA
from capability_index.corpora import PASSAGES
from capability_index.encoders.encoder import load_word_table
from capability_index.text_index import Mask, Text, TextIndex
from tools.context_plane.documents.chunking import Chunk, chunks_of
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.reading import read_document

PASSAGES_DATA = DATA.parent / "context" / "passages"
READ_CHARACTERS = 6_000
SEGMENT = "passages"


@dataclass(frozen=True, slots=True)
class Question:
    """`spans`: document, start and end of each piece of text that answers it."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def main() -> int:
    documents = {given["id"]: given["text"] for given in lines("documents.jsonl")}
    questions = [
        Question(given["query"], tuple((span["document"], span["start"], span["end"]) for span in given["spans"]))
        for given in lines("queries.jsonl")
    ]
    parsed = {name: read_document(text.encode(), "text/plain", name) for name, text in documents.items()}
    assert all(parsed[name].text == text for name, text in documents.items())
    began = time.perf_counter()
    chunks = [(name, chunk) for name, document in parsed.items() for chunk in chunks_of(document)]
    took_s = time.perf_counter() - began
    sizes = [chunk.end - chunk.start for _, chunk in chunks]
    print(f"{len(chunks):,} chunks, mean {sum(sizes) / len(sizes):.0f}, longest {max(sizes):,} characters")
    print(f"cut at {sum(map(len, documents.values())) / 1e6 / took_s:.0f} MB/s")
    covered = answered(parsed, chunks, questions)
    print(f"answer text inside {READ_CHARACTERS:,} characters: {100 * covered:.1f} %")
    return 0


def answered(parsed: dict[str, ParsedDocument], chunks: Sequence[tuple[str, Chunk]], questions: Sequence[Question]) -> float:
    index = TextIndex(load_word_table())
    index.upsert(SEGMENT, PASSAGES, [text_of(row, parsed[name], chunk) for row, (name, chunk) in enumerate(chunks)])
    shares = []
    for question in questions:
        found = index.search(SEGMENT, question.text, Mask(), limit=40, candidates=50)
        shares.append(share_of(question, [chunks[hit.row] for hit in found.hits]))
    return sum(shares) / len(shares)


def text_of(row: int, document: ParsedDocument, chunk: Chunk) -> Text:
    fields = {"text": document.text[chunk.start : chunk.end], "heading": chunk.heading}
    return Text(row, fields, {"document": 0, "audience": 0, "source": 0, "n": chunk.n})


def share_of(question: Question, found: Sequence[tuple[str, Chunk]]) -> float:
    """Return how much of what answers stands in the chunks that come first, READ_CHARACTERS of them."""
    seen, length = set[tuple[str, int]](), 0
    for name, chunk in found:
        length += chunk.end - chunk.start
        if length > READ_CHARACTERS:
            break
        seen.update((name, at) for at in range(chunk.start, chunk.end))
    wanted = {(name, at) for name, start, end in question.spans for at in range(start, end)}
    return len(wanted & seen) / len(wanted)


def lines(name: str) -> Iterator[dict[str, Any]]:
    with (PASSAGES_DATA / name).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
