"""How many facts a second are taken in, beside a bare `executemany` of as many rows in the same run: `python -m benchmarks.context_ingest`.

Goal: 1,000 facts a second on one core, by the processor time of this process; linked, believed and on disk. The ratio says how many
bare rows, committed in the same batches, one fact costs. `--size 1000000` shows what a large tenant costs.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from oauth.principal import Principal
from server.config.store import sqlite_url
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from server.storage.migrate import migrate
from tools.context_plane.assertion import context_assert
from tools.operation import Json

BATCH = 500
LEAST_A_SECOND = 1_000
CALLER = Principal("acme", "ada", "benchmark", frozenset(), "grant")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=20_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), given.size))


async def measure(folder: Path, size: int) -> int:
    await migrate(sqlite_url(folder / "store.sqlite3"))
    database = Database(sqlite_url(folder / "store.sqlite3"))
    store = SqlContextStore(database)
    best = float("inf")
    began, spent = time.perf_counter(), time.process_time()
    for n, batch in enumerate(batches(size)):
        at = time.process_time()
        await context_assert(
            store, CALLER, {"facts": batch, "episode": {"source": "crm", "source_id": str(n)}, "predicates": {"stage": "one"}}
        )
        best = min(best, time.process_time() - at)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    kept = await store.read("acme", lambda rows: rows.kept())
    await database.close()
    bare_s = bare(folder / "bare.sqlite3", size)
    on_disk = size_of(folder)
    print(f"{size:,} facts: {size / cpu_s:,.0f} a second of one core (best batch {BATCH / best:,.0f}), {size / wall_s:,.0f} by the clock")
    print(f"a fact costs {cpu_s / bare_s:.0f} bare rows of {bare_s / size * 1e6:.1f} us; {on_disk / size / 1000:.1f} kB on disk a fact")
    print(f"{kept.facts:,} facts and {kept.claims:,} claims of {kept.entities:,} entities are on record")
    print(f"goal at least {LEAST_A_SECOND:,} a second")
    return 0 if size / cpu_s >= LEAST_A_SECOND and kept.claims == size else 1


def size_of(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.glob("store.sqlite3*"))


def batches(size: int) -> Iterator[list[Json]]:
    """Yield accounts with ten facts each: texts, people, and a stage that ends the one before."""
    for begin in range(0, size, BATCH):
        yield [_fact(n) for n in range(begin, min(size, begin + BATCH))]


def _fact(n: int) -> Json:
    account, which = {"kind": "account", "name": f"Account {n // 10}", "keys": {"crm": f"001{n // 10:09}"}}, n % 10
    if which < 3:
        return {"subject": account, "predicate": "stage", "value": f"stage {which}", "valid_from": f"2026-0{which + 1}-01"}
    if which == 3:
        person = {"kind": "person", "name": f"Person {n // 10}", "keys": {"email": f"person{n // 10}@example.com"}}
        return {"subject": account, "predicate": "champion", "value": person, "valid_from": "2026-01-01"}
    return {"subject": account, "predicate": f"field {which}", "value": f"what was said of it in call {n}", "valid_from": "2026-01-01"}


def bare(path: Path, size: int) -> float:
    """Return how much processor time as many rows of one table take, committed in the same batches."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE rows_ (a INTEGER PRIMARY KEY, b, c, d, e)"):
        connection.execute(statement)
    spent = time.process_time()
    for begin in range(0, size, BATCH):
        connection.execute("BEGIN IMMEDIATE")
        rows = [(n, "acme", f"field {n % 10}", f"what was said of it in call {n}", n) for n in range(begin, min(size, begin + BATCH))]
        connection.executemany("INSERT INTO rows_ VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()
    return time.process_time() - spent


if __name__ == "__main__":
    sys.exit(main())
