"""How often the int8 scan finds what the exact one finds: `python -m benchmarks.index_fast_path` (needs the extra accelerator).

Goal: at least 0.99 of the best 20 in common, over all tools of the development data in one catalogue.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

from dataclasses import replace

from benchmarks.index_catalogues import DATA, merged
from capability_index.accelerator import INT8_SCAN
from capability_index.encoders.encoder import load_word_table
from capability_index.encoders.word_file import int8_rows
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.vectors import Matrix, whole_rows


def main() -> None:
    if INT8_SCAN is None or not DATA.is_dir():
        raise SystemExit("needs the extra accelerator and the development data beside the repository")
    table = load_word_table()
    everything = merged(200)
    exact, fast = CapabilityIndex(table), CapabilityIndex(table)
    exact.upsert("*", everything.documents)
    (shard,) = exact.segments()["*"].shards
    rows = whole_rows(shard.part.matrices[table.model])
    coded = replace(shard, part=replace(shard.part, matrices={table.model: Matrix(rows, *int8_rows(rows))}))
    fast.adopt({"*": replace(exact.segments()["*"], shards=(coded,))})
    shared = same_first = 0
    for query in everything.queries:
        found, right = ([hit.slug for hit in index.search(query.text, Visible(("*",)), 20).hits] for index in (fast, exact))
        shared += len(set(found) & set(right))
        same_first += found[0] == right[0]
    count = len(everything.queries)
    best, first = shared / count / 20, same_first / count
    print(f"{count} queries on {len(rows):,} operations: {best:.4f} of the best 20 in common, {first:.4f} of the first")


if __name__ == "__main__":
    main()
