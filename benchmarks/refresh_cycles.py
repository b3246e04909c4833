"""Whole half hours of refreshing in simulated time: 10,000 connections of 30 minutes' life, scheduled ahead, none ever late.

Time is injected and moves a second at a time; the store is a real one on disk, and the token endpoint the demo CRM's, called in this
process. Each simulated second may do as many refreshes as `--per-s` says, so that being late is possible: 8.3 are needed. `--burst`: all
accounts were connected within one minute, the worst that can happen to a schedule. A refresh token that is used twice ends its grant.

Run: `python -m benchmarks.refresh_cycles [--connections 10000] [--cycles 2.2] [--per-s 10] [--burst]`
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.connection_refresh import LIFE_S, fill
from oauth.connections.refresh_time import JITTER_S, LEAD_S
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.fetch import Fetched
from oauth.vault.key_source import KeyFile
from oauth.vault.vault import Vault
from server.config.store import sqlite_url
from server.demo.app import build
from server.demo.grants import DemoGrant, Grants, OAuthClient, OAuthSettings
from server.demo.provider import definition
from server.storage.database import Database
from server.storage.migrate import migrate
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secrets import SqlSecretStore

BASE_URL = "http://crm.example"
START = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Cycles:
    """What happened. `late`: seconds in which some token had ended; `slack_s`: the nearest that any came to its end."""

    connections: int
    refreshes: int
    fewest_for_one: int
    late: int
    slack_s: float
    behind_s: float
    reused: int
    states: Mapping[str, int]
    #: ahead of its end, of all that were scheduled
    lead_s: tuple[float, float]


class InProcess:
    """Requests to an application in this process."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        answer = await self._client.request(method, url, headers=dict(headers), content=body)
        return Fetched(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


async def simulate(folder: Path, connections: int, cycles: float, per_s: float, *, is_burst: bool, step_s: int = 1) -> Cycles:
    """Let `cycles` lives of all connections pass, `step_s` at a time."""
    clock = Clock()
    app = build(oauth=OAuthSettings(OAuthClient("ascend", "s"), access_ttl_s=LIFE_S, rotate=True), clock=clock)
    crm: Grants = app.state.grants
    grants = [DemoGrant(f"g{number}", "own_1", frozenset({"crm.read"})) for number in range(connections)]
    for grant in grants:
        crm.adopt(grant)
    url = sqlite_url(folder / "store.sqlite3")
    await migrate(url)
    database = Database(url)
    vault = Vault(SqlSecretStore(database), KeyFile(folder / "vault.kek"), "bench", clock)
    await vault.open()
    store = SqlConnectionStore(database)
    registrations = Registrations(SqlRegistrationStore(database), vault, clock)
    await registrations.add(UpstreamRegistration(SHARED, "crm", "ascend", definition(BASE_URL)), "s", "bench")
    # The first due time of each: at the end of a life less the lead, as connecting it would have set it.
    spread_s = 60.0 if is_burst else float(LIFE_S - LEAD_S)
    await fill(database, vault, [grant.refresh_token for grant in grants], spread_s, clock())
    seconds, late, slack_s, behind_s = int(cycles * LIFE_S), 0, float("inf"), 0.0
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE_URL) as client:
        endpoint = ProviderTokenEndpoint(InProcess(client), clock)
        refresher = Refresher(store, vault, registrations, endpoint, clock=clock, dice=random.Random(1))
        for _ in range(0, seconds, step_s):
            clock.now += step_s
            await refresher.refresh_due(round(per_s * step_s))
            first = await store.earliest_expiry(clock())
            if first is not None:
                slack_s = min(slack_s, first - clock())
                late += first <= clock()
            behind_s = max(behind_s, await _behind(database, clock()))
    kept = await store.load()
    leads = [each.expires_at - each.refresh_due_at for each in kept if each.expires_at and each.refresh_due_at]
    await database.close()
    states = {state: sum(each.state == state for each in kept) for state in ("ready", "expired", "blocked")}
    return Cycles(
        connections,
        refresher.counts["crm", "refreshed"],
        min(each.version for each in kept) - 1,
        late,
        slack_s,
        behind_s,
        len(crm.reused),
        states,
        (min(leads), max(leads)),
    )


async def _behind(database: Database, now: float) -> float:
    async with database.read() as sql:
        first = (await sql.exec_driver_sql("SELECT min(refresh_due_at) FROM connections WHERE state = 'ready'")).scalar()
    return 0.0 if first is None else max(0.0, now - first / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--cycles", type=float, default=2.2)
    parser.add_argument("--per-s", type=int, default=10)
    parser.add_argument("--burst", action="store_true")
    given = parser.parse_args()
    lead = f"{LEAD_S:.0f} + 0..{JITTER_S:.0f}"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(simulate(Path(folder), given.connections, given.cycles, given.per_s, is_burst=given.burst))
    took = time.perf_counter() - began
    print(f"{done.connections} connections, {given.cycles:g} lives of {LIFE_S} s in {took:.0f} s: {done.refreshes} refreshes")
    print(f"  each at least {done.fewest_for_one} times, late in {done.late} seconds, nearest to its end {done.slack_s:.0f} s")
    print(f"  due {done.lead_s[0]:.0f} to {done.lead_s[1]:.0f} s ahead ({lead}), at most {done.behind_s:.0f} s behind")
    print(f"  {done.reused} refresh tokens used twice, states {dict(done.states)}, {done.refreshes / took:.0f}/s of real time")
    if done.late or done.reused or done.states["ready"] != done.connections:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
