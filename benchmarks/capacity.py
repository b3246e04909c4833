"""What a gateway of given numbers takes, and where it bends: computed from points, which `--measure` measures here.

Run: `python -m benchmarks.capacity [--calls 300 --operations 10000 --connections 10000 --nodes 3 --changes 5] [--large] [--measure]`
`--large`: 100 nodes, 10,000 tenants, 10 million operations.
"""

import argparse
import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio

from benchmarks.capacity_model import Company, Points, needs
from benchmarks.index_build import resident_bytes
from benchmarks.index_catalogues import made_up
from benchmarks.loaded_gateway import PROVIDER, Connection, loaded_gateway
from benchmarks.process_figures import cpu_s, with_children
from capability_index.encoders.encoder import load_word_table
from capability_index.index import CapabilityIndex
from oauth.connections.connection import Connection as Account
from server.storage.change_feed import ChangeFeed
from server.storage.database import Database, announce
from server.storage.migrate import migrate
from tests.contracts.postgres import postgres_server
from tests.tools.stand_ins import operation

LARGE = Company(
    calls_per_s=10_000,
    operations=10_000_000,
    connections=1_000_000,
    tenants=10_000,
    nodes=100,
    cores_per_node=4,
    changes_per_s=50,
)
SOME, CALLS, LISTENERS = 20_000, 1_500, 40
SCHEMA = {"type": "object", "properties": {f"field_{n}": {"type": "string", "description": "one of its fields"} for n in range(8)}}


def show(company: Company, points: Points) -> bool:
    is_within = True
    for need in needs(company, points):
        beyond = f"  <- beyond {need.of:g}: {need.then}" if need.is_beyond else ""
        is_within = is_within and not need.is_beyond
        print(f"  {need.what:28} {need.amount:12,.2f} {need.unit}{beyond}")
    return is_within


def measured() -> Points:
    """Measure each point for some seconds."""
    operation_bytes, index_per_s = operations()
    look_server_us, look_node_us, notify_us = asyncio.run(feed())
    return Points(
        call_cpu_us=calls(),
        operation_bytes=operation_bytes,
        connection_bytes=accounts(),
        index_per_s=index_per_s,
        look_server_us=look_server_us,
        look_node_us=look_node_us,
        notify_us_per_node=notify_us,
    )


def operations() -> tuple[float, float]:
    """Return what one takes in catalogue and index, and how many a second the index takes up."""
    table, documents = load_word_table(), made_up(SOME)
    index = CapabilityIndex(table)
    gc.collect()
    before = resident_bytes()
    began = time.process_time()
    index.upsert("*", documents)
    spent_s = time.process_time() - began
    kept = [operation(f"p{n % 100}.things{n}.get", schema=SCHEMA, summary=f"things number {n}") for n in range(SOME)]
    gc.collect()
    return (resident_bytes() - before) / len(kept), SOME / spent_s


def accounts() -> float:
    gc.collect()
    before = resident_bytes()
    kept = {}
    for n in range(SOME):
        values: dict[str, Any] = {each.name: f"{each.name}-{n}" if each.type in ("str", str) else None for each in fields(Account)}
        kept["t", f"account-{n}"] = Account(**values)
    gc.collect()
    return (resident_bytes() - before) / len(kept)


def calls() -> float:
    """Return what a `call_api` takes of the processor in the gateway's process."""
    with loaded_gateway() as gateway:
        request = gateway.call("call_api", {"api": f"{PROVIDER}.users.get", "args": {"id": 42}})

        async def load(count: int) -> None:
            connections = [await Connection.to(gateway.port) for _ in range(16)]

            async def one(connection: Connection) -> None:
                for _ in range(count // len(connections)):
                    status, body = await connection.send(request)
                    if status != 200 or b'"status":"ok"' not in body:
                        raise RuntimeError(f"a call failed: {status} {body[:300]!r}")

            async with anyio.create_task_group() as group:
                for connection in connections:
                    group.start_soon(one, connection)
            for connection in connections:
                connection.close()

        asyncio.run(load(400))
        before = cpu_s(with_children(gateway.pid))
        asyncio.run(load(CALLS))
        return (cpu_s(with_children(gateway.pid)) - before) / (CALLS // 16 * 16) * 1e6


async def feed() -> tuple[float, float, float]:
    """Return what a look costs the server and the node, and a commit the server for each node that listens."""
    with postgres_server() as url:
        await migrate(url)
        database = Database(url)
        follower = ChangeFeed(database)
        await follower.start()
        servers = _server_of(url)

        async def cost(work: Callable[[], Awaitable[object]], times: int) -> tuple[float, float]:
            ours, theirs = time.process_time(), cpu_s(servers)
            for _ in range(times):
                await work()
            return (cpu_s(servers) - theirs) / times * 1e6, (time.process_time() - ours) / times * 1e6

        look_server_us, look_node_us = await cost(follower.poll, 1_000)

        async def commit() -> None:
            async with database.write() as connection:
                await announce(connection, "tokens", None, "x")

        alone, _ours = await cost(commit, 300)
        listeners = [Database(url) for _ in range(LISTENERS)]
        feeds = [ChangeFeed(each) for each in listeners]
        async with anyio.create_task_group() as group:
            for each in feeds:
                await each.start()
                group.start_soon(each.run)
            await anyio.sleep(1)
            servers = _server_of(url)
            heard, _ours = await cost(commit, 100)
            group.cancel_scope.cancel()
        for opened in (*listeners, database):
            await opened.close()
        # Each that listens looks, too; that is counted by itself.
        return look_server_us, look_node_us, max(1.0, (heard - alone) / LISTENERS - look_server_us)


def _server_of(url: str) -> list[int]:
    """Return the processes of the server at `url`: one for each connection, and those that write."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    return with_children(int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0]))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, kind in (("calls", float), ("operations", int), ("connections", int), ("tenants", int), ("nodes", int), ("changes", float)):
        arguments.add_argument(f"--{name}", type=kind)
    arguments.add_argument("--large", action="store_true")
    arguments.add_argument("--measure", action="store_true")
    given = arguments.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    points = measured() if given.measure else Points()
    print(", ".join(f"{each.name} {getattr(points, each.name):,.0f}" for each in fields(points)))
    said = {"calls_per_s": given.calls, "changes_per_s": given.changes, "operations": given.operations, "connections": given.connections}
    said |= {"tenants": given.tenants, "nodes": given.nodes}
    company = replace(LARGE if given.large else Company(), **{name: value for name, value in said.items() if value is not None})
    print(company)
    is_within = show(company, points)
    print("within" if is_within else "beyond, see the arrows")
    # The large one bends, and says where: that is what it is for.
    return 0 if is_within or given.large else 1


if __name__ == "__main__":
    raise SystemExit(main())
