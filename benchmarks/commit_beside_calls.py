"""What recording calls costs whoever commits a token: `python -m benchmarks.commit_beside_calls [--seconds 20]`.

A token's row is committed every 10 ms, to last through a power cut, first alone and then while 1,000 calls a second are recorded as the
call log writes them; what it takes alone, in the same run, is the yardstick. Goal (operations contract): 99 of 100 take at most 10 ms
longer.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.history import records
from benchmarks.oauth_tokens import GRANT
from oauth.tokens.formats import new_id
from oauth.tokens.reply import mint_access_token
from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.migrate import HISTORY, migrate
from server.storage.oauth.grants import SqlGrantStore

CALLS_A_SECOND = 1_000
#: as often as the call log writes
WRITE_EVERY_S, COMMIT_EVERY_S = 0.25, 0.01
MOST_ADDED_MS = 10.0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20.0)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), arguments.parse_args().seconds))


async def measure(folder: Path, seconds: float) -> int:
    state_url, history_url = (sqlite_url(folder / f"{name}.sqlite3") for name in ("state", "history"))
    await migrate(state_url)
    await migrate(history_url, HISTORY)
    state, history = Database(state_url), Database(history_url, has_audit_trail=False)
    grants, calls = SqlGrantStore(state), SqlCallHistory(history)
    alone = await _commits_ms(grants, seconds)
    recording = asyncio.ensure_future(_record(calls, seconds))
    beside = await _commits_ms(grants, seconds)
    recorded = await recording
    await state.close()
    await history.close()
    added_ms = _percentile(beside, 0.99) - _percentile(alone, 0.99)
    print(f"{len(alone):,} commits alone, {len(beside):,} beside {recorded / seconds:,.0f} recorded calls a second")
    print(f"half take at most {_percentile(alone, 0.5):.1f} ms alone, {_percentile(beside, 0.5):.1f} ms beside them")
    print(f"99 of 100 take at most {_percentile(alone, 0.99):.1f} ms alone, {_percentile(beside, 0.99):.1f} ms beside: {added_ms:+.1f} ms")
    print(f"goal: at most {MOST_ADDED_MS:+g} ms")
    return 0 if added_ms <= MOST_ADDED_MS else 1


async def _record(calls: SqlCallHistory, seconds: float) -> int:
    size = round(CALLS_A_SECOND * WRITE_EVERY_S)
    waiting = [record for batch in records(round(CALLS_A_SECOND * seconds)) for record in batch]
    began, written = time.perf_counter(), 0
    while written < len(waiting):
        await asyncio.sleep(max(0.0, began + written / CALLS_A_SECOND + WRITE_EVERY_S - time.perf_counter()))
        await calls.append_calls(waiting[written : written + size])
        written += size
    return len(waiting)


async def _commits_ms(grants: SqlGrantStore, seconds: float) -> list[float]:
    grant = replace(GRANT, grant_id=new_id("grant"))
    async with grants.transaction() as rows:
        await rows.add_grant(grant)
    took, ends_at = [], time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        began = time.perf_counter()
        async with grants.transaction() as rows:
            await mint_access_token(rows, grant, grant.scopes, time.time(), 3_600)
        took.append((time.perf_counter() - began) * 1_000)
        await asyncio.sleep(COMMIT_EVERY_S)
    return took


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


if __name__ == "__main__":
    sys.exit(main())
