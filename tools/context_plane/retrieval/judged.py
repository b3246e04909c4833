"""How good the ranking of facts and passages is, over judged questions: the search itself, without a store around it.

A folder holds queries.jsonl and what is searched: facts.jsonl, passages.jsonl, or tools.jsonl as `ascend index eval` reads it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capability_index.analysis import Analysis
from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable
from capability_index.errors import EvaluationInvalid
from capability_index.evaluation import Evaluation, JudgedQuery, evaluate, load_queries
from capability_index.text_index import Mask, Text, TextIndex
from tools.context_plane.facts import Belief, Fact, Group
from tools.context_plane.identity.names import normal_name
from tools.context_plane.ids import column_of
from tools.context_plane.retrieval.fact_corpus import text_of
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.fact_ranking import Candidate, ranked
from tools.context_plane.stores import IndexedFact
from tools.context_plane.times import BadTime, time_us

#: (done, of how many)
Progress = Callable[[int, int], None]
SEGMENT = "judged"
CANDIDATES, SHOWN = 50, 20
#: of one bite of indexing
BITE = 500


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Questions with the ids that should be found. `as_of_us` of a question: the day it is about, None where it has none."""

    kind: str
    analysis: Analysis
    texts: tuple[Text, ...]
    #: row -> its id in the files
    ids: Mapping[int, str]
    queries: tuple[JudgedQuery, ...]
    as_of_us: tuple[int | None, ...]
    facts: Mapping[int, Fact]
    #: entity -> its normal name
    names: Mapping[int, str]


def load_judged(folder: Path, *, dated: bool = True) -> JudgedSet:
    """Read a folder. `dated` False: questions as they stand, dates and all, and no day. Raises EvaluationInvalid."""
    if (folder / "facts.jsonl").is_file():
        return _facts(folder, dated)
    searched = next((name for name in ("passages.jsonl", "tools.jsonl") if (folder / name).is_file()), None)
    if searched is None:
        raise EvaluationInvalid(f"{folder}: nothing to search; an evaluation needs facts.jsonl or passages.jsonl, and queries.jsonl")
    return _passages(folder, searched)


def measure(judged: JudgedSet, table: WordTable | None, indexing: Progress | None = None, asking: Progress | None = None) -> Evaluation:
    """Index what is searched, ask every question as context_query would, and return how well it was answered."""
    index = TextIndex(table)
    for start in range(0, len(judged.texts), BITE):
        index.upsert(SEGMENT, judged.analysis, judged.texts[start : start + BITE])
        if indexing is not None:
            indexing(min(start + BITE, len(judged.texts)), len(judged.texts))
    moments = iter(judged.as_of_us)

    def find(query: str) -> tuple[Sequence[str], bool]:
        # Questions come in their order, each once: so its day is the next one.
        as_of_us = next(moments)
        masks = FactFilter(("",), 0, as_of_us).masks() if judged.facts else (Mask(),)
        found = index.search(SEGMENT, query, masks[0], CANDIDATES, CANDIDATES)
        if not judged.facts:
            return [judged.ids[hit.row] for hit in found.hits[:SHOWN]], found.low_confidence
        candidates = [Candidate(judged.facts[hit.row], hit.score, hit.features) for hit in found.hits]
        words = f" {normal_name(query)} "
        named = {number for each in candidates if f" {judged.names[number := each.fact.group.subject_id]} " in words}
        return [judged.ids[each.fact.fact_id] for each in ranked(candidates, named)[:SHOWN]], found.low_confidence

    return evaluate(judged.queries, find, asking)


def _facts(folder: Path, dated: bool) -> JudgedSet:
    entries = list(_lines(folder / "facts.jsonl", ("id", "subject", "predicate", "object")))
    facts, texts, ids, names = {}, [], {}, {}
    for row, entry in enumerate(entries, 1):
        subject_id = _number(str(entry["subject"]))
        names[subject_id] = normal_name(str(entry["subject"]))
        window = [_moment(entry.get(name), f"{folder}/facts.jsonl: {entry['id']}") for name in ("valid_from", "valid_to")]
        belief = Belief(None, str(entry["object"]), window[0], window[1], 1.0, "believed", (row,))
        text = str(entry.get("text") or f"{entry['subject']} {entry['predicate']} {entry['object']}")
        facts[row] = Fact(row, Group("", subject_id, str(entry["predicate"])), belief, text, 0)
        texts.append(text_of(IndexedFact(facts[row], str(entry["subject"]), str(entry["object"]), ("judged",))))
        ids[row] = str(entry["id"])
    queries, moments = [], []
    for entry in _lines(folder / "queries.jsonl", ("query", "gold")):
        as_of = _moment(entry.get("as_of"), f"{folder}/queries.jsonl") if dated else None
        asked = entry.get("undated") if dated and entry.get("undated") else entry["query"]
        queries.append(JudgedQuery(str(asked), frozenset(map(str, entry["gold"]))))
        moments.append(as_of)
    return JudgedSet("facts", FACTS, tuple(texts), ids, tuple(queries), tuple(moments), facts, names)


def _passages(folder: Path, file: str) -> JudgedSet:
    queries = load_queries(folder)
    titles = {}
    if (folder / "documents.jsonl").is_file():
        titles = {str(each["id"]): str(each.get("title") or "") for each in _lines(folder / "documents.jsonl", ("id",))}
    texts, ids = [], {}
    for row, entry in enumerate(_lines(folder / file, ("id",)), 1):
        text = str(entry.get("text") or f"{entry.get('name', '')}: {entry.get('description', '')}")
        document = str(entry.get("document") or "")
        fields = {"text": text, "heading": str(entry.get("heading") or ""), "name": titles.get(document, "")}
        columns = dict.fromkeys(PASSAGES.columns, 0) | {"document": _number(document), "n": row}
        texts.append(Text(row, fields, columns))
        ids[row] = str(entry["id"])
    return JudgedSet("passages", PASSAGES, tuple(texts), ids, tuple(queries), (None,) * len(queries), {}, {})


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1 if text else column_of("")


def _moment(value: object, place: str) -> int | None:
    if value is None:
        return None
    try:
        return time_us(str(value))
    except BadTime as error:
        raise EvaluationInvalid(f"{place}: {error}") from error


def _lines(path: Path, required: Sequence[str]) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationInvalid(f"{path}: cannot be read as UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise EvaluationInvalid(f"{path}:{number}: not JSON; write one object a line") from error
        if not isinstance(entry, dict) or any(key not in entry for key in required):
            raise EvaluationInvalid(f"{path}:{number}: needs the keys {', '.join(required)}")
        yield entry
