"""What learning from use gains, and what it costs operations nobody has used yet: `python -m benchmarks.index_learning`.

A third of the operations get ten examples each, from queries that are not asked again. Goal: the others lose at most 2 nDCG.
The queries of these sets follow templates, so that real gains will be smaller.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import random

from benchmarks.index_catalogues import DATA, Catalogue, given
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.evaluation import JudgedQuery, ndcg_at
from capability_index.index import CapabilityIndex
from capability_index.ranking.search_feedback import MAX_EXAMPLES
from capability_index.search import Visible

_TENANT = "default"


def main() -> None:
    if not DATA.is_dir():
        raise SystemExit(f"no development data in {DATA}")
    table = load_word_table()
    print(f"{'nDCG@10':16}{'used before':>12}{'after':>8}{'others before':>15}{'after':>8}")
    for catalogue in given(100_000):
        report(catalogue, table)


def report(catalogue: Catalogue, table: WordTable) -> None:
    chance = random.Random(11)
    queries = [query for query in catalogue.queries if query.gold]
    chance.shuffle(queries)
    half = len(queries) // 2
    lessons, asked = queries[:half], queries[half : half + 1_500]
    used = set(chance.sample(sorted(document.slug for document in catalogue.documents), len(catalogue.documents) // 3))
    index = CapabilityIndex(table)
    index.upsert("*", catalogue.documents)
    hot = [query for query in asked if query.gold <= used]
    cold = [query for query in asked if not query.gold & used]
    before = quality(index, hot), quality(index, cold)
    taught: dict[str, int] = {}
    for query in lessons:
        for slug in query.gold & used:
            if taught.setdefault(slug, 0) < MAX_EXAMPLES:
                taught[slug] += index.learn(_TENANT, query.text, slug)
    after = quality(index, hot), quality(index, cold)
    print(f"{catalogue.name:16}{before[0]:12.2f}{after[0]:8.2f}{before[1]:15.2f}{after[1]:8.2f}   ({len(hot)} and {len(cold)} queries)")


def quality(index: CapabilityIndex, queries: list[JudgedQuery]) -> float:
    visible = Visible((_TENANT, "*"))
    total = sum(ndcg_at([hit.slug for hit in index.search(query.text, visible, 10).hits], query.gold, 10) for query in queries)
    return 100 * total / max(len(queries), 1)


if __name__ == "__main__":
    main()
