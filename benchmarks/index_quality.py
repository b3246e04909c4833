"""How good the ranking is, against words alone and meaning alone: `python -m benchmarks.index_quality`.

Goals: nDCG@10 of at least 67 / 91 / 76.5 on toole_single / sealtools / bfcl; with all tools of the four folders in one
catalogue, better than either side alone on each. Two thousand queries a set, drawn with a fixed seed.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.index_catalogues import DATA, JUDGED, Catalogue, given, merged
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.evaluation import Evaluation, JudgedQuery, evaluate
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.vectors import best_rows

Find = Callable[[str], tuple[Sequence[str], bool]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--queries", type=int, default=2_000)
    arguments.add_argument("--merged-queries", type=int, default=700)
    asked = arguments.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"no development data in {DATA}")
    table = load_word_table()
    print(f"{'nDCG@10':32}{'words':>8}{'meaning':>8}{'both':>8}{'R@1':>8}{'R@5':>8}{'R@10':>8}{'R@20':>8}{'zero':>7}{'low':>7}")
    for catalogue in given(asked.queries):
        report(catalogue.name, catalogue, catalogue.queries, table)
    everything = merged(asked.merged_queries)
    for name in JUDGED:
        queries = [query for query in everything.queries if all(gold.startswith(f"{name}|") for gold in query.gold)]
        report(f"{name} in {len(everything.documents):,}", everything, queries, table)


def report(title: str, catalogue: Catalogue, queries: list[JudgedQuery], table: WordTable) -> None:
    words, both = (filled(catalogue, choice) for choice in (None, table))
    found: Evaluation = evaluate(queries, finder(both))
    alone = [evaluate(queries, find).ndcg_at_10 for find in (finder(words), by_meaning(both, table))]
    figures = [*alone, found.ndcg_at_10, found.recall_at_1, found.recall_at_5, found.recall_at_10, found.recall_at_20]
    rates = f"{100 * found.zero_hit_rate:7.2f}{100 * found.low_confidence_rate:7.2f}"
    print(f"{title:32}" + "".join(f"{100 * figure:8.2f}" for figure in figures) + rates, flush=True)


def filled(catalogue: Catalogue, table: WordTable | None) -> CapabilityIndex:
    index = CapabilityIndex(table)
    index.upsert("*", catalogue.documents)
    return index


def finder(index: CapabilityIndex) -> Find:
    def find(intent: str) -> tuple[Sequence[str], bool]:
        found = index.search(intent, Visible(("*",)), 20)
        return [hit.slug for hit in found.hits], found.low_confidence

    return find


def by_meaning(index: CapabilityIndex, table: WordTable) -> Find:
    """Return a ranking by the cosine with the whole intent, and nothing else."""
    (shard,) = index.segments()["*"].shards
    matrix = shard.part.matrices[table.model]

    def find(intent: str) -> tuple[Sequence[str], bool]:
        cosines = np.empty(len(matrix), np.float32)
        matrix.scan(table.encode([intent])[0], cosines)
        return [shard.part.operations.slugs[int(row)] for row in best_rows(cosines, 20)], False

    return find


if __name__ == "__main__":
    main()
