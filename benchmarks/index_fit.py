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
import random
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
MOST_REAL, MOST_JUDGED = 0.046, 0.012
#: what each kind weighs in the fit, however many there are of it
WEIGHT_BY_KIND = {"real": 1.0, "real, few providers": 0.7, "judged": 0.6, "absent": 0.7, "absent, made": 0.9, "nonsense": 0.6}
#: beside the right providers, in the catalogues of few
FEW_PROVIDERS = (0, 3)
#: what the judged sets, which have neither methods nor providers, teach nothing about
ONLY_REAL = frozenset({"verb", "one_provider", "provider", "product", "product_said"})
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
    model = manifest.confidence
    plain = replace(manifest, field_weights=None, confidence=replace(model, weights={}, known_weights={}))
    by_feature = {"weights": dict(model.weights), "known_weights": dict(model.known_weights)}
    found = asdict(plain)
    return found | {"field_weights": weights, "confidence": found["confidence"] | by_feature}


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
    yield from _of_fewer_providers(table, catalogue)
    for absence, texts in by_absence.items():
        index = filled(table, catalogue.without(absence.split("|"))) if absence else whole
        yield from (Sample("absent" if absence else "nonsense", best(index, table, text)[1]) for text in texts)
    for judged in given(QUERIES_A_SET):
        index = filled(table, judged.documents)
        for query in judged.queries:
            slug, values = best(index, table, query.text)
            yield Sample("judged", values, slug in query.gold)
        yield from (Sample("nonsense", best(index, table, text)[1]) for _, text in nonsense())


def _of_fewer_providers(table: WordTable, catalogue: Catalogue) -> Iterator[Sample]:
    """Ask each given intent where its providers are left out, and where there are few others beside them or none."""
    chance, everybody = random.Random(5), sorted({document.provider for document in catalogue.documents})
    asked: dict[frozenset[str], list[JudgedIntent]] = {}
    for intent, visible in given_intents():
        right = frozenset(slug.partition(".")[0] for slug, request in catalogue.requests.items() if intent.accepts(request))
        if visible is EVERYTHING:
            asked.setdefault(right, []).append(intent)
    for right, intents in asked.items():
        others = [provider for provider in everybody if provider not in right]
        index = filled(table, catalogue.without(right))
        yield from (Sample("absent, made", best(index, table, one.text)[1]) for one in intents)
        for count in FEW_PROVIDERS:
            kept = chance.sample(others, count or 1)
            index = filled(table, catalogue.without(set(others) - set(kept[:count])))
            for one in intents:
                slug, values = best(index, table, one.text)
                yield Sample("real, few providers", values, slug in catalogue.requests and one.accepts(catalogue.requests[slug]))
            index = filled(table, catalogue.without(set(everybody) - set(kept)))
            yield from (Sample("absent, made", best(index, table, one.text)[1]) for one in intents)


def best(index: CapabilityIndex, table: WordTable, text: str, visible: Visible = EVERYTHING) -> tuple[str, dict[str, float]]:
    """Return the best hit for an intent and its features."""
    view = Reader.of([("*", shard) for shard in index.segments()["*"].shards])
    found = find(text, view, visible, 20, SearchResources(table), [])
    if found is None:
        raise SystemExit(f"nothing to find for {text!r}")
    at = int(np.argmax(found.judged.fused))
    values = features(found.intent, found.judged, found.first, found.senses, view, table)
    values["known"] = found.judged.structure.known.astype(np.float32)
    return view.slug(int(found.judged.rows[at])), {
        name: float(np.broadcast_to(each, len(found.judged.rows))[at]) for name, each in values.items()
    }


def fitted_confidence(found: Sequence[Sample], manifest: Manifest) -> ConfidenceModel:
    names = [name for name in found[0].values if name != "known"]
    matrix = np.asarray([[sample.values[name] for name in names] for sample in found])
    known = np.asarray([sample.values["known"] for sample in found]) > 0
    kinds = np.asarray([sample.kind for sample in found])
    is_real = np.asarray([kind == "judged" or kind.startswith("real") for kind in kinds])
    weights = sum(share * (kinds == kind) / max(np.count_nonzero(kinds == kind), 1) for kind, share in WEIGHT_BY_KIND.items())
    coefficients = {True: np.zeros(len(names)), False: np.zeros(len(names))}
    for is_known, rows in ((True, known), (False, ~known)):
        columns = [at for at, name in enumerate(names) if is_known or name not in ONLY_REAL]
        fitted = logistic(matrix[rows][:, columns], is_real[rows].astype(float), np.asarray(weights)[rows] * len(found))
        coefficients[is_known][columns] = fitted
    logits = np.where(known, matrix @ coefficients[True], matrix @ coefficients[False])
    # One threshold for operations whose kind is known and for those where it is not.
    low_logit = float(np.quantile(logits[kinds == "judged"], MOST_JUDGED))
    shifted = low_logit - max_of_real(logits, kinds)
    coefficients[True][names.index("bias")] += shifted
    logits = np.where(known, logits + shifted, logits)
    rights = np.asarray([sample.is_right for sample in found], float)[is_real]
    shift, stretch = logistic(np.column_stack([np.ones(int(is_real.sum())), logits[is_real]]), rights, np.ones(int(is_real.sum())))
    for kind in WEIGHT_BY_KIND:
        print(f"{kind:20}{np.count_nonzero(kinds == kind):6}  flagged {100 * np.mean(logits[kinds == kind] < low_logit):5.1f} %")
    low = 1 / (1 + np.exp(-(stretch * low_logit + shift)))
    print(f"{manifest.name}: low {low:.3f}, stretch {stretch:.3f}, shift {shift:.3f}")
    plain, of_known = (
        {name: round(float(weight), 3) for name, weight in zip(names, coefficients[is_known], strict=True)} for is_known in (False, True)
    )
    return ConfidenceModel(plain, of_known, round(float(stretch), 4), round(float(shift), 4), round(float(low), 4))


def max_of_real(logits: NDArray[Any], kinds: NDArray[Any]) -> float:
    """Return the logit below which at most MOST_REAL of the real intents are, in each kind of catalogue."""
    return min(float(np.quantile(logits[kinds == kind], MOST_REAL)) for kind in ("real", "real, few providers"))


def logistic(matrix: NDArray[Any], right: NDArray[Any], weights: NDArray[Any], ridge: float = 1e-2, rounds: int = 60) -> NDArray[Any]:
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
