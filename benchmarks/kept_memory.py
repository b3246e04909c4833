"""How much memory is left behind by a caller with scope `mcp` who tries every door that keeps something?

    python -m benchmarks.kept_memory

Defends: at most 64 MB more than after a warm-up, however long it goes on: each door is pushed past what it may hold.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterator

import uvloop

from benchmarks.loaded_gateway import Connection, LoadedGateway, loaded_gateway
from tests.server.mcp.requests import PREFIX, modern_body, modern_headers

MOST_MB = 64
WIDE = "|".join(["[@, @]"] * 9)


def declarations(gateway: LoadedGateway) -> Iterator[bytes]:
    """Clients that declare 3.9 MB of themselves, each another."""
    for number in range(60):
        info = {"name": f"{number}{'x' * 3_900_000}", "version": "1"}
        body = modern_body(
            "tools/call", {"name": "discover_apis", "arguments": {"ids": ["load.users.get"]}}, meta={f"{PREFIX}clientInfo": info}
        )
        yield gateway._post(modern_headers("tools/call", "discover_apis"), body, None)


def selections(gateway: LoadedGateway) -> Iterator[bytes]:
    """Expressions of 1,600 characters, each another."""
    for number in range(2_000):
        yield gateway.call("call_api", {"api": "load.users.get", "args": {"id": 1}, "select": f"a{number}" + ".b" * 800})


def plans(gateway: LoadedGateway) -> Iterator[bytes]:
    """Plans of many expressions."""
    for number in range(60):
        step = {"api": "load.users.get", "args": {"id": {"$ref": "s0.data.id"}}}
        steps = [
            {"id": f"s{index}", **(step if index else {**step, "args": {"id": 1}}), "if": f"n{number} || `{index}`{'.a' * 700}"}
            for index in range(40)
        ]
        yield gateway.call("batch_execute", {"steps": steps})


def results(gateway: LoadedGateway) -> Iterator[bytes]:
    """Answers that a selection makes large, kept, and read on."""
    for number in range(200):
        yield gateway.call("call_api", {"api": "load.large.get", "args": {}, "select": f"{WIDE}|{{x{number}: @}}"})


def searches(gateway: LoadedGateway) -> Iterator[bytes]:
    """Words that nobody said before."""
    for _ in range(1_500):
        yield gateway.call("discover_apis", {"query": " ".join(secrets.token_hex(8) for _ in range(25))})


def writes(gateway: LoadedGateway) -> Iterator[bytes]:
    """Keys and answers of writes."""
    for number in range(2_000):
        yield gateway.call(
            "call_api", {"api": "load.notes.create", "args": {"text": "x" * 2_000}, "idempotency_key": f"{number}-{secrets.token_hex(16)}"}
        )


def names(gateway: LoadedGateway) -> Iterator[bytes]:
    """Operations that there are not, and arguments that nobody asked for."""
    for number in range(2_000):
        yield gateway.call("call_api", {"api": f"load.{secrets.token_hex(40)}", "args": {f"n{number}": "x" * 2_000}})


DOORS = (declarations, selections, plans, results, searches, writes, names)


async def measure(gateway: LoadedGateway) -> float:
    connections = [await Connection.to(gateway.port) for _ in range(4)]

    async def send(requests: Iterator[bytes]) -> None:
        async def work(connection: Connection) -> None:
            for request in requests:
                await connection.send(request)

        await asyncio.gather(*map(work, connections))

    for door in DOORS:
        await send(iter([request for _number, request in zip(range(4), door(gateway), strict=False)]))
    await asyncio.sleep(3)
    began = last = gateway.resident_bytes()
    for door in DOORS:
        await send(door(gateway))
        await asyncio.sleep(3)
        now = gateway.resident_bytes()
        print(f"{door.__name__:14} {(now - last) / 1e6:+8.1f} MB   {door.__doc__}", flush=True)
        last = now
    return (last - began) / 1e6


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with loaded_gateway() as gateway:
        grown_mb = uvloop.run(measure(gateway))
    print(f"{'in all':14} {grown_mb:+8.1f} MB, at most {MOST_MB}")
    return 0 if grown_mb <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
