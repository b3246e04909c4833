"""Time and memory to build, change, save and load: `python -m benchmarks.index_build`.

Goals: at least 2,000 operations a second a core; one changed operation searchable within 50 ms at 100,000; at most 1.3 kB an
operation at a million (`--size 1000000`, which takes minutes).
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.index_catalogues import DATA, made_up, merged
from capability_index.encoders.encoder import load_word_table
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.snapshot import load, save


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=100_000)
    size = arguments.parse_args().size
    table = load_word_table()
    if DATA.is_dir():
        documents = merged(1).documents
        spent = timed(lambda: CapabilityIndex(table).upsert("*", documents))
        print(f"build of {len(documents):,} real operations: {len(documents) / spent:,.0f} a second")
    documents = made_up(size)
    index = CapabilityIndex(table)
    before = resident_bytes()
    spent = timed(lambda: index.upsert("*", documents))
    print(f"build of {size:,} made-up operations: {size / spent:,.0f} a second")
    print(f"memory: {(resident_bytes() - before) / size:,.0f} bytes an operation, as the process grew")
    print(f"unchanged again: {size / timed(lambda: index.upsert('*', documents)):,.0f} a second")
    changes = [replace(document, summary=f"{document.summary} changed zanzibar{at}") for at, document in enumerate(documents[:40])]
    spans = []
    for at, document in enumerate(changes):
        began = time.perf_counter()
        index.upsert("*", [document])
        found = index.search(f"zanzibar{at}", Visible(("*",)), 1)
        spans.append(1e3 * (time.perf_counter() - began))
        if [hit.slug for hit in found.hits] != [document.slug]:
            raise SystemExit(f"{document.slug} was changed and not found")
    print(f"one change until found: median {statistics.median(spans):.1f} ms, worst of {len(spans)} {max(spans):.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        saved = timed(lambda: save(index.segments(), Path(folder), table.model))
        megabytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        loaded = timed(lambda: CapabilityIndex(table).adopt(load(Path(folder), table.model)))
        print(f"save {saved:.2f} s, load {loaded:.2f} s, {megabytes:,.0f} MB on disk: {1e6 * megabytes / size:,.0f} bytes an operation")


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident_bytes() -> int:
    """Return the memory that this process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
