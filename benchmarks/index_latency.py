"""Time of one whole search, beside a bare float32 `X @ q` of the same rows in the same run: `python -m benchmarks.index_latency`.

Goals: at most 0.5 / 2 / 6 ms at 1,000 / 20,000 / 100,000 operations, and 1.5 times `X @ q` at 100,000; at a million 1.3 times,
or 0.5 with the accelerator. One thread. `--sizes 1000000` needs 2.5 GB.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import statistics
import time

import numpy as np

from benchmarks.index_catalogues import made_up, repeated, vocabulary
from capability_index.accelerator import INT8_SCAN
from capability_index.encoders.encoder import load_word_table
from capability_index.index import CapabilityIndex
from capability_index.part import Shard, build_part
from capability_index.search import Visible
from capability_index.segment import TenantIndex
from capability_index.vectors import whole_rows

_BASE = 50_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", type=int, nargs="*", default=[1_000, 20_000, 100_000])
    arguments.add_argument("--queries", type=int, default=60)
    given = arguments.parse_args()
    table = load_word_table()
    words = vocabulary()
    chance = np.random.default_rng(5)
    queries = [
        "I need to " + " ".join(words[int(len(words) * chance.random() ** 3)] for _ in range(int(size))) + ", please"
        for size in chance.integers(5, 13, given.queries)
    ]
    print(f"accelerator: {'numba' if INT8_SCAN else 'none'}")
    for size in given.sizes:
        part = build_part(made_up(min(size, _BASE)), table)
        if size > _BASE:
            part = repeated(part, size // _BASE)
        index = CapabilityIndex(table)
        index.adopt({"*": TenantIndex((Shard.of(part),))})
        matrix = whole_rows(part.matrices[table.model])
        out = np.empty(len(matrix), np.float32)
        visible = Visible(("*",))
        for query in queries:
            index.search(query, visible, 10)
        whole, bare, vectors = [], [], table.encode(queries)
        for query, vector in zip(queries * 3, np.tile(vectors, (3, 1)), strict=True):
            began = time.perf_counter()
            np.dot(matrix, vector, out=out)
            between = time.perf_counter()
            index.search(query, visible, 10)
            bare.append((between - began) * 1e3)
            whole.append((time.perf_counter() - between) * 1e3)
        middle, bare_ms = statistics.median(whole), statistics.median(bare)
        p95 = float(np.percentile(whole, 95))
        print(f"{size:>9,} operations: search {middle:7.2f} ms (p95 {p95:7.2f}), X @ q {bare_ms:7.3f} ms, ratio {middle / bare_ms:6.2f}")


if __name__ == "__main__":
    main()
