"""What the history costs: rows a second, and how long its questions take: `python -m benchmarks.history [--size 200000]`.

Rows go through the store as the call log writes them, with their sums; beside them a bare `executemany` of the same columns without
sums or indexes, in the same run. Goals (operations contract): 40,000 rows a second, a trace by id within 50 ms.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from oauth.principal import Principal
from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.history.calls import CallFilter, SqlCallHistory
from server.storage.history.figures import HistoryFigures
from server.storage.history.rollups import DAY_US
from server.storage.migrate import HISTORY, migrate
from tools.stores import CallRecord

BATCH = 2_000
TENANTS, OPERATIONS = 20, 400
DAYS = 30
LEAST_A_SECOND, MOST_TRACE_MS = 40_000, 50.0
END_US = 1_800_000_000 * 1_000_000


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=1_000_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), given.size))


async def measure(folder: Path, size: int) -> int:
    url = sqlite_url(folder / "history.sqlite3")
    await migrate(url, HISTORY)
    database = Database(url, has_audit_trail=False)
    history, figures = SqlCallHistory(database), HistoryFigures(database)
    batches = list(records(size))
    began, spent = time.perf_counter(), time.process_time()
    for batch in batches:
        await history.append_calls(batch)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    bare_s = bare(folder / "bare.sqlite3", batches)
    print(f"{size:,} rows: {size / wall_s:,.0f} a second by the clock, {size / cpu_s:,.0f} of one core; {mib_of(folder):,.0f} MiB")
    print(f"a row costs {wall_s / bare_s:.1f} bare rows of {bare_s / size * 1e6:.1f} us")
    someone = Principal("t1", "s1", "", frozenset(), "")
    traced = batches[len(batches) // 2][0].trace_id
    trace_ms = await median_ms(lambda: history.trace(traced))
    questions: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("newest 50 of all", lambda: history.calls(CallFilter(END_US - DAY_US), 50)),
        ("newest 50 of a tenant", lambda: history.calls(CallFilter(END_US - DAY_US, tenant_id="t1"), 50)),
        ("newest 50 failures", lambda: history.calls(CallFilter(END_US - DAY_US, failures_only=True), 50)),
        ("last 20 of a person", lambda: history.recent(someone, 20)),
        ("calls by hour, 24 h", lambda: figures.sums(END_US - DAY_US, END_US)),
        ("calls by day, 30 d", lambda: figures.sums(END_US - DAYS * DAY_US, END_US, by_day=True)),
        ("uses by operation, 30 d", lambda: figures.uses(END_US - DAYS * DAY_US)),
        ("failures by kind", lambda: figures.errors(0)),
    ]
    print(f"{'trace by id':28}{trace_ms:8.2f} ms")
    for name, ask in questions:
        print(f"{name:28}{await median_ms(ask):8.2f} ms")
    began = time.perf_counter()
    gone = await history.forget_before(END_US - (DAYS - 1) * DAY_US)
    step_ms = (time.perf_counter() - began) * 1_000 / max(1, gone / BATCH)
    print(f"{gone:,} rows of the oldest day are deleted in steps of {step_ms:.1f} ms")
    await database.close()
    print(f"goals: {LEAST_A_SECOND:,} rows a second, a trace within {MOST_TRACE_MS:g} ms")
    return 0 if size / wall_s >= LEAST_A_SECOND and trace_ms <= MOST_TRACE_MS else 1


def records(size: int) -> Iterator[list[CallRecord]]:
    """Yield batches as they come over 30 days: 3 % fail, trace ids are ours."""
    chance = random.Random(1)
    for first in range(0, size, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, size)):
            at_us = END_US - DAYS * DAY_US + number * (DAYS * DAY_US // size)
            failed = chance.random() < 0.03
            batch.append(
                CallRecord(
                    tenant_id=f"t{chance.randrange(TENANTS)}",
                    tool=chance.choice(("call_api", "call_api", "batch_execute", "discover_apis")),
                    operation=f"provider.things.op{chance.randrange(OPERATIONS)}",
                    auth_method="access_token",
                    duration_ms=chance.expovariate(1 / 80),
                    success=not failed,
                    error_code=chance.choice(("upstream_error", "invalid_arguments")) if failed else None,
                    trace_id=((at_us // 1_000 << 80) | chance.getrandbits(80)).to_bytes(16).hex(),
                    subject=f"s{chance.randrange(50)}",
                    client_id="https://client.example/metadata.json",
                    called_at_us=at_us,
                    error_class="upstream" if failed else "",
                    upstream_ms=chance.expovariate(1 / 70),
                    upstream_status=503 if failed else 200,
                    reason="answered 503" if failed else "",
                )
            )
        yield batch


def mib_of(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.glob("history*")) / 1_048_576


def bare(path: Path, batches: list[list[CallRecord]]) -> float:
    """Return the seconds that as many bare rows take, committed in the same batches."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE calls (seq INTEGER PRIMARY KEY, time, tenant, subject, client, tool, operation, ms, code, trace)")
    began = time.perf_counter()
    for batch in batches:
        rows = [
            (r.called_at_us, r.tenant_id, r.subject, r.client_id, r.tool, r.operation, r.duration_ms, r.error_code, r.trace_id)
            for r in batch
        ]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO calls VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


async def median_ms(ask: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(9):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1_000)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    sys.exit(main())
