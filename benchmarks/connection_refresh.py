"""Refreshing 10,000 connections of 30 minutes' life: at least 8 refreshes/s sustained on one core, none late.

The provider is the demo CRM in a process of its own, so that what is counted is the gateway's core. One steady hour is not
waited for: all lives are squeezed to what `--seconds` covers, at the arrival rate of the real thing, 10,000 / 1,200 s = 8.3/s, and then
at full speed to show what is spare. Late: stored after the old access token had ended.

Run: `python -m benchmarks.connection_refresh [--connections 10000] [--seconds 60]`
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import socket
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvicorn
from sqlalchemy import insert

from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connections import KnownConnections
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.vault.key_source import KeyFile
from oauth.vault.vault import Vault, VaultCaller
from server.config.store import sqlite_url
from server.demo.app import build
from server.demo.grants import DemoGrant, OAuthClient, OAuthSettings
from server.demo.provider import definition
from server.storage.database import Database, now_us
from server.storage.migrate import migrate
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore, columns_of
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secrets import SqlSecretStore
from server.storage.schema.connection_tables import connections, vault_secrets
from tools.egress.client import Egress

LIFE_S = 1800
NEEDED_PER_S = 10_000 / 1_200


def provider(pipe: Pipe, count: int) -> None:
    """Run the demo CRM with `count` grants and send their refresh tokens."""
    app = build(oauth=OAuthSettings(OAuthClient("ascend", "s"), access_ttl_s=LIFE_S, rotate=True))
    grants = [DemoGrant(f"g{number}", "own_1", frozenset({"crm.read"})) for number in range(count)]
    for grant in grants:
        app.state.grants.adopt(grant)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send((listener.getsockname()[1], [grant.refresh_token for grant in grants]))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False))
    server.run(sockets=[listener])


async def fill(database: Database, vault: Vault, tokens: Sequence[str], spread_s: float, now: float) -> None:
    """Put one connection for each token into the store, their refreshes due evenly over `spread_s` from `now`."""
    caller, rows, secrets = VaultCaller("default", "bench", "bench"), [], []
    for number, token in enumerate(tokens):
        due = now + spread_s * number / len(tokens)
        connection = Connection(
            account_id=f"acc_{number}",
            tenant_id="default",
            subject=f"sub_{number}",
            provider="crm",
            alias="a",
            external_id=str(number),
            title="",
            kind="bearer",
            scopes=frozenset({"crm.read"}),
            state="ready",
            version=1,
            is_default=True,
            created_at=now,
            expires_at=due + 600,
            refresh_due_at=due,
        )
        sealed = await vault.seal(caller, connection.secret_name, 1, ConnectionSecret("at", refresh_token=token).to_bytes())
        rows.append(columns_of(connection))
        secrets.append(
            {
                "tenant_id": "default",
                "name": sealed.name,
                "version": 1,
                "dek_id": sealed.dek_id,
                "sealed": sealed.sealed,
                "created_at": now_us(),
            }
        )
    async with database.write() as sql:
        await sql.execute(insert(connections), rows)
        await sql.execute(insert(vault_secrets), secrets)
    await vault.accept(caller)  # they went past the program, so the tenant's mark is made afterwards


async def measure(port: int, tokens: Sequence[str], seconds: float, at_full_speed: bool) -> tuple[float, float, int, float]:
    """Return refreshes/s, CPU share of one core, late ones, and the worst delay behind the due time."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "store.sqlite3")
        await migrate(url)
        database = Database(url)
        vault = Vault(SqlSecretStore(database), KeyFile(Path(folder) / "vault.kek"), "bench")
        await vault.open()
        store = SqlConnectionStore(database)
        async with Egress((f"127.0.0.1:{port}",)) as egress:
            registrations = Registrations(SqlRegistrationStore(database), vault)
            await registrations.add(UpstreamRegistration(SHARED, "crm", "ascend", definition(f"http://127.0.0.1:{port}")), "s", "bench")
            await fill(database, vault, tokens, 0 if at_full_speed else seconds, time.time())
            accounts = KnownConnections(store, vault, ConnectLinks(SqlConnectFlowStore(database), "http://gw"))
            await accounts.load()
            refresher = Refresher(store, vault, registrations, ProviderTokenEndpoint(egress.outbound), accounts)
            began, cpu = time.perf_counter(), _cpu_s()
            task = asyncio.create_task(refresher.run())
            worst = 0.0
            while time.perf_counter() - began < seconds and refresher.counts["crm", "refreshed"] < len(tokens):
                await asyncio.sleep(0.25)
                worst = max(worst, await _delay(database, time.time()))
            took, used = time.perf_counter() - began, _cpu_s() - cpu
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            done = refresher.counts["crm", "refreshed"]
            assert set(refresher.counts) == {("crm", "refreshed")}, refresher.counts
            async with database.read() as sql:
                late = (
                    await sql.exec_driver_sql("SELECT count(*) FROM connections WHERE version = 1 AND expires_at < ?", (now_us(),))
                ).scalar_one()
        await database.close()
        return done / took, used / took, int(late), worst


async def _delay(database: Database, now: float) -> float:
    async with database.read() as sql:
        first = (await sql.exec_driver_sql("SELECT min(refresh_due_at) FROM connections WHERE version = 1")).scalar()
    return 0.0 if first is None else max(0.0, now - first / 1e6)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    for at_full_speed in (False, True):
        seconds = given.seconds
        count = given.connections if at_full_speed else round(NEEDED_PER_S * 1.2 * seconds)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=provider, args=(theirs, count), daemon=True)
        process.start()
        port, tokens = ours.recv()
        rate, share, late, worst = asyncio.run(measure(port, tokens, seconds, at_full_speed))
        process.terminate()
        process.join()
        name = "full speed" if at_full_speed else f"arrivals at {NEEDED_PER_S * 1.2:.1f}/s"
        slack = f"{late} late, at most {worst:.1f} s behind (of 600 s)"
        print(f"{name}: {rate:.1f} refreshes/s, {share:.0%} of one core, {slack}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
