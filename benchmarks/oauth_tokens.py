"""Tokens: warm verification (goal: at most 5 µs), and 1,000 refreshes of one family by 20 clients at once (goal: none loses its pair).

    python -m benchmarks.oauth_tokens [--refreshes 1000] [--clients 20]

The store is a SQLite file with durable commits, as in production; the refreshes go through the grant type, without HTTP.
"""

import argparse
import asyncio
import base64
import hashlib
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from oauth.authorization.scope_narrowing import STANDING
from oauth.clients.client import Client
from oauth.errors import OAuthError
from oauth.grants.authorization_code import AuthorizationCodeGrant
from oauth.grants.refresh_token import RefreshTokenGrant
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.tenants import Tenant, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, new_id, new_token
from oauth.tokens.grant_records import AuthorizationCode, Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_access_token
from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.migrate import migrate
from server.storage.oauth.grants import SqlGrantStore

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CLIENT = Client(client_id="client", kind="dynamic", name="Bench", redirect_uris=("http://127.0.0.1/cb",), created_at=0.0)
SCOPES = frozenset({"mcp", "mcp:read"})
RESOURCE, REDIRECT_URI = "https://gw/mcp", "http://127.0.0.1/cb"
GRANT = Grant("grant", "default", "ada", "client", RESOURCE, SCOPES, "authorization_code", True, time.time(), time.time() + 1e6)
WARM_TOKENS, WARM_CALLS, ROUNDS = 10_000, 100_000, 7


async def everything(_tenant_id: str, _subject: str) -> frozenset[str]:
    return STANDING


async def measure_verification(store: SqlGrantStore) -> tuple[float, float]:
    """Return the median and the best round of warm verifications, in µs each, over 10,000 tokens in turn."""
    access = AccessTokens(store)
    tokens = []
    grant = replace(GRANT, grant_id=new_id("grant"))
    async with store.transaction() as rows:
        await rows.add_grant(grant)
        for _ in range(WARM_TOKENS):
            token, row = await mint_access_token(rows, grant, grant.scopes, time.time(), 3600)
            access.remember(row, access.revocations)
            tokens.append(token)
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for index in range(WARM_CALLS):
            await access.verify(tokens[index % WARM_TOKENS])
        rounds.append((time.perf_counter() - started) / WARM_CALLS * 1e6)
    return statistics.median(rounds), min(rounds)


async def measure_cold(store: SqlGrantStore, count: int = 500) -> float:
    """Return the median of verifications that ask the store, in µs."""
    grant = replace(GRANT, grant_id=new_id("grant"))
    async with store.transaction() as rows:
        await rows.add_grant(grant)
        tokens = [(await mint_access_token(rows, grant, grant.scopes, time.time(), 3600))[0] for _ in range(count)]
    access, times = AccessTokens(store), []
    for token in tokens:
        started = time.perf_counter()
        assert await access.verify(token) is not None
        times.append((time.perf_counter() - started) * 1e6)
    return statistics.median(times)


async def measure_refreshes(store: SqlGrantStore, refreshes: int, clients: int) -> tuple[float, list[float], int, int]:
    """Return seconds, ms of each refresh, rotations, and how many clients were left without a live pair."""
    tenants = Tenants([Tenant("default", "Default")])
    resources, lifetimes, access = Resources(tenants, lambda _tenant_id: RESOURCE, "https://gw"), Lifetimes(), AccessTokens(store)
    codes = AuthorizationCodeGrant(store, access, resources, lifetimes)
    refreshing = RefreshTokenGrant(store, access, resources, tenants, everything, lifetimes)
    code = new_token("ac")
    async with store.transaction() as rows:
        await rows.add_grant(GRANT)
        until = time.time() + 60
        await rows.add_code(
            AuthorizationCode(hash_token(code), GRANT.grant_id, "default", "client", "http://127.0.0.1/cb", CHALLENGE, until)
        )
    first = await codes.redeem(CLIENT, Parameters([("code", code), ("code_verifier", VERIFIER)]))
    held, seen, times, lost = [first] * clients, {first.refresh_token}, list[float](), 0

    async def refresh(worker: int) -> TokenReply | None:
        started = time.perf_counter()
        try:
            return await refreshing.redeem(CLIENT, Parameters([("refresh_token", held[worker].refresh_token)]))
        except OAuthError:
            return None
        finally:
            times.append((time.perf_counter() - started) * 1e3)

    async def live(worker: int) -> None:
        nonlocal lost
        for _ in range(refreshes // clients):
            reply = await refresh(worker)
            if reply is None or await access.verify(reply.access_token) is None:
                lost += 1
                return
            held[worker] = reply
            seen.add(reply.refresh_token)

    started = time.perf_counter()
    await asyncio.gather(*(live(worker) for worker in range(clients)))
    return time.perf_counter() - started, times, len(seen) - 1, lost


async def main(refreshes: int, clients: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "bench.sqlite3")
        await migrate(url)
        database = Database(url)
        store = SqlGrantStore(database)
        median, best = await measure_verification(store)
        print(f"warm verification   {median:.2f} µs median of {ROUNDS} rounds, {best:.2f} µs best (goal 5 µs)")
        print(f"cold verification   {await measure_cold(store):.0f} µs median, one store read")
        seconds, times, rotations, lost = await measure_refreshes(store, refreshes, clients)
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        rate = len(times) / seconds
        print(f"{len(times)} refreshes by {clients} clients at once, one family: {rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        print(f"{rotations} rotations; {lost} clients lost their pair (goal 0)")
        await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.refreshes, arguments.clients))
