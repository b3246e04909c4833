"""How long ten exports at once hold the event loop at most: `python -m benchmarks.exports [--rows 10000]`.

Opens a whole gateway in this process, gives it so many connections, and asks for all of them ten times at once, as CSV. Judged is the
longest time for which nobody else had a turn, by what this process worked in it (benchmarks/loop_stalls.py): 50 ms are the goal.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from oauth.connections.connection import Connection
from server.http.process_limits import settle
from server.storage.oauth.connections import columns_of
from server.storage.schema.connection_tables import connections
from tests.loop.stalled_gateway import Watch
from tests.server.admin.conftest import Administration, administration

MOST_MS = 50.0
AT_ONCE, TRIES = 10, 3


def connection(number: int) -> Connection:
    return Connection(
        tenant_id="acme",
        account_id=f"account-{number}",
        subject="",
        provider=f"provider-{number % 50}",
        alias=f"alias-{number}",
        external_id=f"external-{number}",
        title=f"Account {number}",
        kind="bearer",
        scopes=None,
        created_at=1.0,
    )


async def held_ms(admin: Administration, rows: int) -> float:
    watch, began = Watch(), time.perf_counter()
    beat = asyncio.create_task(watch.beat())
    answers = await asyncio.gather(*(admin.api("GET", "connections?format=csv", admin.operator) for _ in range(AT_ONCE)))
    beat.cancel()
    # On a machine that others use, a read may not end within its two seconds; that is said, and none is cut short.
    whole = [each for each in answers if each.status_code == 200]
    assert whole, answers[0].text
    assert all(len(each.text.splitlines()) == rows + 1 for each in whole)
    longest_ms, clock_ms, taken_s = 1000 * watch.longest_held_s, 1000 * watch.longest_s, time.perf_counter() - began
    print(f"held {longest_ms:.1f} ms, by the clock {clock_ms:.1f} ms; {len(whole)} of {AT_ONCE} exports of {rows:,} rows, {taken_s:.1f} s")
    return longest_ms


async def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000)
    rows = arguments.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        async with administration(Path(name)) as admin:
            async with admin.gateway.store.database.write() as sql:
                await sql.execute(insert(connections), [columns_of(connection(number)) for number in range(rows)])
            # As `ascend serve` has it.
            settle()
            best_ms = min([await held_ms(admin, rows) for _ in range(TRIES)])
    print(f"{best_ms:.1f} ms  the longest, best of {TRIES}; {MOST_MS:.0f} ms are the goal")
    return 0 if best_ms <= MOST_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
