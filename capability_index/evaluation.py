"""How good a ranking is: nDCG, recall, zero hits, over judged queries (`tools.jsonl`, `queries.jsonl`) or intents (`intents.jsonl`)."""

import json
import math
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from capability_index.documents import Document, ParameterText
from capability_index.errors import EvaluationInvalid

RECALL_AT = (1, 5, 10, 20)
Id = TypeVar("Id", str, int)


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """An intent, and the slugs that should be found."""

    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Means over all queries; a query without any hit counts as 0 everywhere and in `zero_hit_rate`."""

    queries: int
    ndcg_at_10: float
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    recall_at_20: float
    zero_hit_rate: float
    low_confidence_rate: float
    median_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Request:
    """An operation by what its document calls it: `line` is "METHOD path"."""

    provider: str
    line: str


@dataclass(frozen=True, slots=True)
class JudgedIntent:
    """An intent, and the operations that are right: of any of `providers`, with a "METHOD path" that begins as `pattern` says."""

    text: str
    providers: frozenset[str]
    pattern: re.Pattern[str]

    def accepts(self, request: Request) -> bool:
        return request.provider in self.providers and self.pattern.match(request.line) is not None

    def rank_in(self, found: Sequence[Request]) -> int | None:
        """Return where the first right operation stands, counted from 1, or None where there is none."""
        return next((rank for rank, request in enumerate(found, 1) if self.accepts(request)), None)


@dataclass(frozen=True, slots=True)
class IntentEvaluation:
    """Shares of all intents whose first right operation stands `first`, among the first `five` or `twenty`; `mrr` is the mean of 1/rank."""

    intents: int
    first: float
    five: float
    twenty: float
    mrr: float
    zero_hit_rate: float
    low_confidence_rate: float
    median_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def load_tools(folder: Path) -> list[Document]:
    """Read DIR/tools.jsonl. Raises EvaluationInvalid."""
    return [_document(entry) for entry in _lines(folder / "tools.jsonl", ("id", "name"))]


def load_queries(folder: Path) -> list[JudgedQuery]:
    """Read DIR/queries.jsonl. Raises EvaluationInvalid."""
    entries = _lines(folder / "queries.jsonl", ("query", "gold"))
    return [JudgedQuery(str(entry["query"]), frozenset(map(str, entry["gold"]))) for entry in entries]


def load_intents(path: Path) -> list[JudgedIntent]:
    """Read a file of {"query", "provider", "operation"} a line; several providers are parted by |. Raises EvaluationInvalid."""
    return [judged(entry, f"{path}:{number}") for number, entry in enumerate(_lines(path, ("query", "provider", "operation")), 1)]


def judged(entry: dict[str, Any], place: str) -> JudgedIntent:
    """Return what one line of a file of intents says. Raises EvaluationInvalid."""
    try:
        pattern = re.compile(str(entry["operation"]))
    except re.error as error:
        raise EvaluationInvalid(f"{place}: operation is no regular expression over METHOD path: {error}") from error
    return JudgedIntent(str(entry["query"]), frozenset(str(entry["provider"]).split("|")), pattern)


def without_operation(intents: Sequence[JudgedIntent], catalogue: Sequence[Request]) -> list[JudgedIntent]:
    """Return the intents that nothing in the catalogue could answer: no ranking can be judged by them."""
    return [intent for intent in intents if intent.rank_in(catalogue) is None]


async def evaluate_intents(
    intents: Sequence[JudgedIntent],
    find: Callable[[str], Awaitable[tuple[Sequence[Request], bool]]],
    progress: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> IntentEvaluation:
    """Ask each intent with `find`, which returns twenty operations, best first, and whether it had low confidence."""
    ranks: list[int | None] = []
    zero = low = 0
    spent_ms: list[float] = []
    for at, intent in enumerate(intents, 1):
        began = clock()
        found, doubtful = await find(intent.text)
        spent_ms.append((clock() - began) * 1000)
        ranks.append(intent.rank_in(found[:20]))
        zero += not found
        low += doubtful
        if progress is not None:
            progress(at, len(intents))
    n = max(len(intents), 1)
    known = [rank for rank in ranks if rank is not None]
    return IntentEvaluation(
        intents=len(intents),
        first=sum(rank == 1 for rank in known) / n,
        five=sum(rank <= 5 for rank in known) / n,
        twenty=len(known) / n,
        mrr=sum(1 / rank for rank in known) / n,
        zero_hit_rate=zero / n,
        low_confidence_rate=low / n,
        median_ms=statistics.median(spent_ms) if spent_ms else 0.0,
    )


def evaluate(
    queries: Sequence[JudgedQuery],
    find: Callable[[str], tuple[Sequence[str], bool]],
    progress: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Evaluation:
    """Run each query through `find`, which returns 20 slugs, best first, and whether it had low confidence."""
    sums = dict.fromkeys(RECALL_AT, 0.0)
    ndcg = zero = low = 0.0
    spent_ms: list[float] = []
    for at, query in enumerate(queries):
        began = clock()
        slugs, doubtful = find(query.text)
        spent_ms.append((clock() - began) * 1000)
        ndcg += ndcg_at(slugs, query.gold, 10)
        for k in RECALL_AT:
            sums[k] += len(query.gold.intersection(slugs[:k])) / max(len(query.gold), 1)
        zero += not slugs
        low += doubtful
        if progress is not None:
            progress(at + 1, len(queries))
    n = max(len(queries), 1)
    return Evaluation(
        queries=len(queries),
        ndcg_at_10=ndcg / n,
        recall_at_1=sums[1] / n,
        recall_at_5=sums[5] / n,
        recall_at_10=sums[10] / n,
        recall_at_20=sums[20] / n,
        zero_hit_rate=zero / n,
        low_confidence_rate=low / n,
        median_ms=statistics.median(spent_ms) if spent_ms else 0.0,
    )


def ndcg_at(found: Sequence[Id], gold: frozenset[Id], k: int) -> float:
    """Return the discounted gain of the first `k`, as a share of the best possible."""
    gain = sum(1 / math.log2(rank + 2) for rank, each in enumerate(found[:k]) if each in gold)
    best = sum(1 / math.log2(rank + 2) for rank in range(min(k, len(gold))))
    return gain / best if best else 0.0


def _document(entry: dict[str, Any]) -> Document:
    parameters = entry.get("parameters")
    if isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict):
        parameters = parameters["properties"]  # A whole JSON Schema in place of its properties.
    members = parameters.items() if isinstance(parameters, dict) else ()
    tags = entry.get("tags")
    return Document(
        slug=str(entry["id"]),
        title=str(entry["name"]),
        summary=str(entry.get("description") or ""),
        parameters=tuple(ParameterText(str(name), _words(member)) for name, member in members),
        tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
    )


def _words(member: object) -> str:
    if isinstance(member, dict):
        return str(member.get("description") or "")
    return member if isinstance(member, str) else ""


def _lines(path: Path, required: Sequence[str]) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _entry(line, required, f"{path}:{number}")
    except FileNotFoundError as error:
        raise EvaluationInvalid(
            f"{path}: no such file; an evaluation needs tools.jsonl and queries.jsonl, or documents and intents.jsonl"
        ) from error
    except UnicodeDecodeError as error:
        raise EvaluationInvalid(f"{path}: not UTF-8; convert it") from error


def _entry(line: str, required: Sequence[str], place: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise EvaluationInvalid(f"{place}: not JSON; write one object a line") from error
    if not isinstance(entry, dict) or any(key not in entry for key in required):
        raise EvaluationInvalid(f"{place}: needs the keys {', '.join(required)}")
    if "gold" in required and not isinstance(entry["gold"], list):
        raise EvaluationInvalid(f"{place}: gold must be a list of tool ids")
    return entry
