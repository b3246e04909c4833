"""How well and how fast documents are read and cut: `python -m benchmarks context_chunks`.

Goals: of the text that answers a question at least 91 % stands in the first 6,000 characters of the chunks found; every quote stands
in the document as it was sent; 150 pages of PDF a second on one core.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.index_catalogues import DATA
from capability_index.corpora import PASSAGES
from capability_index.encoders.encoder import load_word_table
from capability_index.text_index import Mask, Text, TextIndex
from tests.tools.context_plane.documents.made_files import docx, paragraph, pdf
from tools.context_plane.documents.chunking import Chunk, chunks_of
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.parsing import DocumentParser
from tools.context_plane.documents.reading import read_document

PASSAGES_DATA = DATA.parent / "context" / "passages"
READ_CHARACTERS = 6_000
MIN_ANSWERED, MIN_PAGES_A_SECOND = 0.91, 150
SEGMENT = "passages"
PAGES = 400
LINES_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Question:
    """`spans`: document, start and end of each piece of text that answers it."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def main() -> int:
    pages_a_second = speed()
    asyncio.run(in_a_child())
    if not PASSAGES_DATA.is_dir():
        print("the development data is not beside the repository: what is found in chunks was not measured")
        return int(pages_a_second < MIN_PAGES_A_SECOND)
    sent = {given["id"]: given["text"] for given in lines("documents.jsonl")}
    parsed = {name: read_document(text.encode(), "text/plain", name) for name, text in sent.items()}
    chunks = [(name, chunk) for name, document in parsed.items() for chunk in chunks_of(document)]
    sizes = [chunk.end - chunk.start for _, chunk in chunks]
    print(f"{len(chunks):,} chunks, mean {sum(sizes) / len(sizes):.0f}, longest {max(sizes):,} characters")
    verbatim = sum(parsed[name].text[chunk.start : chunk.end] in sent[name] for name, chunk in chunks) / len(chunks)
    answered = share_answered(parsed, chunks)
    print(f"quotes found in the document as it was sent: {100 * verbatim:.1f} %")
    print(f"answer text inside {READ_CHARACTERS:,} characters: {100 * answered:.1f} % (goal {100 * MIN_ANSWERED:.0f})")
    return int(answered < MIN_ANSWERED or verbatim < 1 or pages_a_second < MIN_PAGES_A_SECOND)


def speed() -> float:
    """Print how fast each format is read and cut, by the computing that it takes; return pages of PDF a second."""
    line = "What was said of the Kahuna deal in the meeting of that day, and by whom."
    text = "\n\n".join(f"## Part {n}\n\n{' '.join([line] * 12)}" for n in range(2_000))
    rows = "number,name,state\n" + "".join(f'{n},"Kahuna {n}",{line}\n' for n in range(20_000))
    page = "".join(f"<h2>Part {n}</h2><p>{' '.join([line] * 12)}</p><ul><li>one<li>two</ul>" for n in range(2_000))
    printed = pdf([[line] * LINES_A_PAGE] * PAGES)
    files = {
        "text": (text.encode(), "text/plain"),
        "Markdown": (text.encode(), "text/markdown"),
        "HTML": (page.encode(), "text/html"),
        "CSV": (rows.encode(), "text/csv"),
        "DOCX": (docx(paragraph(line) * 20_000), ""),
        "PDF": (printed, ""),
    }
    print(f"{'MB of text a second':22}{'read':>8}{'cut':>8}")
    pages_a_second = 0.0
    for name, (content, media_type) in files.items():
        document, read_s = timed(lambda content=content, media_type=media_type: read_document(content, media_type, ""))  # type: ignore[misc]
        _, cut_s = timed(lambda document=document: chunks_of(document))  # type: ignore[misc]
        megabytes = len(document.text.encode()) / 1e6
        print(f"{name:22}{megabytes / read_s:8.1f}{megabytes / cut_s:8.1f}", flush=True)
        if document.pages:
            pages_a_second = PAGES / (read_s + cut_s)
    print(f"pages of PDF a second, read and cut: {pages_a_second:.0f} (goal {MIN_PAGES_A_SECOND})")
    return pages_a_second


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` gives and the least computing that it took, of three."""
    took = []
    for _ in range(3):
        began = time.process_time()
        found = work()
        took.append(time.process_time() - began)
    return found, min(took)


async def in_a_child() -> None:
    """Print what a small document takes by the clock: with a process that is begun for it, and with one that is there."""
    parser, took = DocumentParser(), []
    for _ in range(6):
        began = time.perf_counter()
        await parser.parse(b"# Deals\n\nKahuna closed.", "text/markdown", "")
        took.append(time.perf_counter() - began)
    parser.close()
    print(f"a small document: {1000 * took[0]:.0f} ms with a new process, {1000 * min(took[1:]):.1f} ms with one that is there")


def share_answered(parsed: dict[str, ParsedDocument], chunks: Sequence[tuple[str, Chunk]]) -> float:
    """Return how much of the text that answers stands in the first chunks found, in the mean of all questions."""
    index = TextIndex(load_word_table())
    index.upsert(SEGMENT, PASSAGES, [text_of(row, parsed[name], chunk) for row, (name, chunk) in enumerate(chunks)])
    shares = []
    for given in lines("queries.jsonl"):
        question = Question(given["query"], tuple((span["document"], span["start"], span["end"]) for span in given["spans"]))
        found = index.search(SEGMENT, question.text, Mask(), limit=40)
        shares.append(share_of(question, [chunks[hit.row] for hit in found.hits]))
    return sum(shares) / len(shares)


def text_of(row: int, document: ParsedDocument, chunk: Chunk) -> Text:
    fields = {"text": document.text[chunk.start : chunk.end], "heading": chunk.heading}
    return Text(row, fields, {"document": 0, "audience": 0, "source": 0, "n": chunk.n})


def share_of(question: Question, found: Sequence[tuple[str, Chunk]]) -> float:
    """Return how much of what answers stands in the first READ_CHARACTERS of the chunks found."""
    seen, left = set[tuple[str, int]](), READ_CHARACTERS
    for name, chunk in found:
        seen.update((name, at) for at in range(chunk.start, min(chunk.end, chunk.start + left)))
        left = max(0, left - (chunk.end - chunk.start))
    wanted = {(name, at) for name, start, end in question.spans for at in range(start, end)}
    return len(wanted & seen) / len(wanted)


def lines(name: str) -> Iterator[dict[str, Any]]:
    with (PASSAGES_DATA / name).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
