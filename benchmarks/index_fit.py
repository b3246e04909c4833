"""Fit a word table's confidence, and with `--fusion` its constants, and write them to its manifest: `python -m benchmarks.index_fit`.

Real are the judged sets beside the repository and the intents and tasks over real documents that are given to tune by; nothing
answers nonsense, and intents whose provider is left out. What is set aside is never looked at. `--table FOLDER` fits another
table than the shipped one, `--out FILE` is where its manifest goes. Plain logistic regression; the threshold lets at most so many
real intents over real documents be flagged as MOST_REAL says.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.index_catalogues import given, nonsense
from benchmarks.real_intents import DOCUMENTS, FILTERED, SHARED, lines, own_sets, unpacked
from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.encoders.manifest import ConfidenceModel, Fusion, Manifest
from capability_index.evaluation import JudgedIntent, Request, ndcg_at
from capability_index.index import CapabilityIndex
from capability_index.ranking.candidates import Reader
from capability_index.ranking.confidence import features
from capability_index.search import SearchResources, Visible, find
from server.commands.trial_gateway import open_trial, request_of
from tools.catalog.search_documents import documents_of

#: share of the real intents over real documents, and of those of the judged sets, that may be flagged
MOST_REAL, MOST_JUDGED = 0.045, 0.02
#: what each kind weighs in the fit, however many there are of it
WEIGHT_BY_KIND = {"real": 1.0, "judged": 0.6, "absent": 1.2, "nonsense": 0.6}
QUERIES_A_SET = 300
STEPS = {
    "words_share": (0.25, 0.3, 0.36, 0.43, 0.5),
    "name_share": (0.05, 0.1, 0.15, 0.25),
    "clause_share": (0.4, 0.5, 0.6),
    "soft": (0.5, 0.6, 0.7),
    "min_cosine": (0.4, 0.45, 0.5, 0.55),
}
EVERYTHING = Visible(("*",))


@dataclass(frozen=True, slots=True)
class Sample:
    """One intent asked of one catalogue: the features of its best hit, and whether that hit is right."""

    kind: str
    values: Mapping[str, float]
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Operations that were imported, as the index reads them and as their documents call them."""

    documents: Sequence[Document]
    requests: Mapping[str, Request]

    def without(self, providers: Iterable[str]) -> list[Document]:
        gone = set(providers)
        return [document for document in self.documents if document.provider not in gone]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--table", type=Path, help="a folder with another word table")
    arguments.add_argument("--out", type=Path, help="where the manifest goes")
    arguments.add_argument("--fusion", action="store_true", help="fit the constants of fusion first; takes an hour")
    asked = arguments.parse_args()
    table = load_word_table(chosen=asked.table)
    catalogue = asyncio.run(imported())
    if asked.fusion:
        table.fusion = fitted_fusion(table, catalogue)
    manifest = replace(table.manifest, fusion=table.fusion, confidence=fitted_confidence(list(samples(table, catalogue)), table.manifest))
    out = asked.out or Path(str(files("capability_index"))) / "word_tables" / f"{manifest.name}.json"
    out.write_text(json.dumps(as_json(manifest), indent=2) + "\n", encoding="utf-8")


def as_json(manifest: Manifest) -> dict[str, Any]:
    weights = None if manifest.field_weights is None else dict(manifest.field_weights)
    confidence = asdict(replace(manifest.confidence, weights={})) | {"weights": dict(manifest.confidence.weights)}
    plain = replace(manifest, field_weights=None, confidence=replace(manifest.confidence, weights={}))
    return asdict(plain) | {"field_weights": weights, "confidence": confidence}


async def imported() -> Catalogue:
    with TemporaryDirectory() as folder:
        documents = {provider: unpacked(SHARED / "specs" / name, Path(folder)) for provider, name in DOCUMENTS.items()}
        async with open_trial(documents) as trial:
            operations = list(trial.operations.catalog.operations_of(None))
            return Catalogue(documents_of(operations), {each.id: request_of(each) for each in operations})


def filled(table: WordTable, documents: Sequence[Document]) -> CapabilityIndex:
    index = CapabilityIndex(table)
    index.upsert("*", documents)
    return index


def given_intents() -> list[tuple[JudgedIntent, Visible]]:
    """Return the intents to tune by, and what is searched for each: with the argument `providers` only theirs."""
    return [
        (one, Visible(("*",), None, one.providers) if FILTERED in name else EVERYTHING)
        for name, intents in own_sets().items()
        if "aside" not in name
        for one in intents
    ]


def samples(table: WordTable, catalogue: Catalogue) -> Iterator[Sample]:
    whole = filled(table, catalogue.documents)
    for intent, visible in given_intents():
        slug, values = best(whole, table, intent.text, visible)
        yield Sample("real", values, slug in catalogue.requests and intent.accepts(catalogue.requests[slug]))
    by_absence: dict[str, list[str]] = {}
    for line in lines("negatives.jsonl"):
        if line["part"] == "given":
            by_absence.setdefault(line["without"], []).append(line["query"])
    for absence, texts in by_absence.items():
        index = filled(table, catalogue.without(absence.split("|"))) if absence else whole
        yield from (Sample("absent" if absence else "nonsense", best(index, table, text)[1]) for text in texts)
    for judged in given(QUERIES_A_SET):
        index = filled(table, judged.documents)
        for query in judged.queries:
            slug, values = best(index, table, query.text)
            yield Sample("judged", values, slug in query.gold)
        yield from (Sample("nonsense", best(index, table, text)[1]) for _, text in nonsense())


def best(index: CapabilityIndex, table: WordTable, text: str, visible: Visible = EVERYTHING) -> tuple[str, dict[str, float]]:
    """Return the best hit for an intent and its features."""
    view = Reader.of([("*", shard) for shard in index.segments()["*"].shards])
    found = find(text, view, visible, 20, SearchResources(table), [])
    if found is None:
        raise SystemExit(f"nothing to find for {text!r}")
    at = int(np.argmax(found.judged.fused))
    values = features(found.intent, found.judged, found.first, found.senses, view.live, table)
    return view.slug(int(found.judged.rows[at])), {
        name: float(np.broadcast_to(each, len(found.judged.rows))[at]) for name, each in values.items()
    }


def fitted_confidence(found: Sequence[Sample], manifest: Manifest) -> ConfidenceModel:
    names = list(found[0].values)
    matrix = np.asarray([[sample.values[name] for name in names] for sample in found])
    kinds = np.asarray([sample.kind for sample in found])
    is_real = np.isin(kinds, ("real", "judged"))
    weights = sum(share * (kinds == kind) / max(np.count_nonzero(kinds == kind), 1) for kind, share in WEIGHT_BY_KIND.items())
    fitted = logistic(matrix, is_real.astype(float), np.asarray(weights) * len(found))
    logits = matrix @ fitted
    # One threshold for operations whose kind is known and for those where it is not.
    low_logit = float(np.quantile(logits[kinds == "judged"], MOST_JUDGED))
    fitted[names.index("known")] += low_logit - float(np.quantile(logits[kinds == "real"], MOST_REAL))
    logits = matrix @ fitted
    rights = np.asarray([sample.is_right for sample in found], float)[is_real]
    shift, stretch = logistic(np.column_stack([np.ones(int(is_real.sum())), logits[is_real]]), rights, np.ones(int(is_real.sum())))
    for kind in WEIGHT_BY_KIND:
        print(f"{kind:10}{np.count_nonzero(kinds == kind):6}  flagged {100 * np.mean(logits[kinds == kind] < low_logit):5.1f} %")
    low = 1 / (1 + np.exp(-(stretch * low_logit + shift)))
    print(f"{manifest.name}: low {low:.3f}, stretch {stretch:.3f}, shift {shift:.3f}")
    rounded = {name: round(float(weight), 3) for name, weight in zip(names, fitted, strict=True)}
    return ConfidenceModel(rounded, round(float(stretch), 4), round(float(shift), 4), round(float(low), 4))


def logistic(matrix: NDArray[Any], right: NDArray[Any], weights: NDArray[Any], ridge: float = 1e-3, rounds: int = 60) -> NDArray[Any]:
    """Return the coefficients of a weighted logistic regression, by Newton's method."""
    found = np.zeros(matrix.shape[1])
    penalty = ridge * weights.sum() * np.eye(matrix.shape[1]) / 100
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ found, -30, 30)))
        slope = matrix.T @ (weights * (chance - right)) + penalty @ found
        found -= np.linalg.solve((matrix * (weights * chance * (1 - chance))[:, None]).T @ matrix + penalty, slope)
    return found


def fitted_fusion(table: WordTable, catalogue: Catalogue) -> Fusion:
    """Return the constants that serve the judged sets and the given intents best, one after the other, twice."""
    kept, top = table.fusion, worth(table, catalogue)
    for name in (*STEPS, *STEPS):
        for value in STEPS[name]:
            if value == getattr(kept, name):
                continue
            table.fusion = replace(kept, **{name: value})  # type: ignore[arg-type]  # STEPS names floats only
            if (reached := worth(table, catalogue)) > top + 1e-4:
                kept, top = table.fusion, reached
                print(f"{name} {value}: {top:.4f}", flush=True)
            table.fusion = kept
    return kept


def worth(table: WordTable, catalogue: Catalogue) -> float:
    """Return the mean nDCG@10 of the judged sets and the mean of first, five and twenty of the given intents, half each."""
    gains = []
    for judged in given(QUERIES_A_SET):
        index = filled(table, judged.documents)
        gains.append(
            np.mean([ndcg_at([hit.slug for hit in index.search(q.text, EVERYTHING, 10).hits], q.gold, 10) for q in judged.queries])
        )
    index, ranks = filled(table, catalogue.documents), []
    for intent, visible in given_intents():
        found = [catalogue.requests[hit.slug] for hit in index.search(intent.text, visible, 20).hits]
        ranks.append(intent.rank_in(found) or len(found) + 1)
    shares = np.mean([[rank <= depth for depth in (1, 5, 20)] for rank in ranks])
    return float((np.mean(gains) + shares) / 2)


if __name__ == "__main__":
    main()
