"""What learning from use gains, and what it costs operations nobody has used yet: `python -m benchmarks.index_learning`.

A third of the operations get ten examples each, from queries that are not asked again. Goal: the others lose at most 2 nDCG.
The queries of these sets follow templates, so that real gains will be smaller.

Over real documents: the operation of each task is called ten times after three of its wordings, and found by the fourth. Goals:
first for each; no set of other intents loses more than 0.5 points of any figure; another tenant finds the same as before.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import asyncio
import random
from collections.abc import Sequence

from benchmarks.index_catalogues import DATA, Catalogue, given
from benchmarks.index_fit import Catalogue as Imported
from benchmarks.index_fit import imported
from benchmarks.real_intents import lines, own_sets
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.evaluation import JudgedIntent, JudgedQuery, judged, ndcg_at
from capability_index.index import CapabilityIndex
from capability_index.ranking.search_feedback import MAX_EXAMPLES
from capability_index.search import Visible

_TENANT = "default"
_BEYOND = 21


def main() -> None:
    if not DATA.is_dir():
        raise SystemExit(f"no development data in {DATA}")
    table = load_word_table()
    print(f"{'nDCG@10':16}{'used before':>12}{'after':>8}{'others before':>15}{'after':>8}")
    for catalogue in given(100_000):
        report(catalogue, table)
    report_real(table)


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


def report_real(table: WordTable) -> None:
    catalogue = asyncio.run(imported())
    index = CapabilityIndex(table)
    index.upsert("*", catalogue.documents)
    tasks = [
        (task, judged(task | {"query": task["queries"][0]}, "tasks.jsonl")) for task in lines("tasks.jsonl") if task["part"] == "given"
    ]
    others = [intent for name, intents in own_sets().items() if name == "own given" for intent in intents]
    #: by operation: another task may ask for the one that is taught
    taught: list[str] = []
    for _, intent in tasks:
        taught.append(next(slug for slug in index_order(catalogue) if intent.accepts(catalogue.requests[slug])))
    lessons = [[*task["queries"][1:], task["task"]] for task, _ in tasks]
    before = ranks(index, catalogue, [intent for _, intent in tasks], _TENANT), ranks(index, catalogue, others, _TENANT)
    elsewhere = found_by(index, others, "another")
    for slug, texts in zip(taught, lessons, strict=True):
        for at in range(MAX_EXAMPLES):
            index.learn(_TENANT, texts[at % len(texts)], slug)
    after = ranks(index, catalogue, [intent for _, intent in tasks], _TENANT), ranks(index, catalogue, others, _TENANT)
    print(f"{'real documents':24}{'n':>5}{'first':>8}{'five':>8}{'twenty':>8}   {'after':>8}{'five':>8}{'twenty':>8}")
    for title, one, two in zip(("taught, other words", "others"), before, after, strict=True):
        print(f"{title:24}{len(one):5}{shares(one)}   {shares(two)}")
    print("another tenant finds the same as before:", found_by(index, others, "another") == elsewhere)


def index_order(catalogue: Imported) -> list[str]:
    return [document.slug for document in catalogue.documents if document.slug in catalogue.requests]


def ranks(index: CapabilityIndex, catalogue: Imported, intents: Sequence[JudgedIntent], tenant_id: str) -> list[int]:
    """Return where the first right operation stands for each intent, 21 where it is not among the first twenty."""
    lists = found_by(index, intents, tenant_id)
    return [intent.rank_in([catalogue.requests[slug] for slug in slugs]) or _BEYOND for intent, slugs in zip(intents, lists, strict=True)]


def found_by(index: CapabilityIndex, intents: Sequence[JudgedIntent], tenant_id: str) -> list[list[str]]:
    visible = Visible((tenant_id, "*"))
    return [[hit.slug for hit in index.search(intent.text, visible, _BEYOND - 1).hits] for intent in intents]


def shares(found: Sequence[int]) -> str:
    return "".join(f"{100 * sum(rank <= depth for rank in found) / len(found):8.1f}" for depth in (1, 5, 20))


def quality(index: CapabilityIndex, queries: list[JudgedQuery]) -> float:
    visible = Visible((_TENANT, "*"))
    total = sum(ndcg_at([hit.slug for hit in index.search(query.text, visible, 10).hits], query.gold, 10) for query in queries)
    return 100 * total / max(len(queries), 1)


if __name__ == "__main__":
    main()
