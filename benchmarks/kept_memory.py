"""How much memory is left behind by a caller with scope `mcp` who tries every door that keeps something?

    python -m benchmarks.kept_memory

Defends: at most 64 MB more than after a warm-up, however long it goes on: each door is pushed past what it may hold.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Callable, Iterator

import uvloop

from benchmarks.loaded_gateway import Connection, LoadedGateway, loaded_gateway
from tests.server.mcp.requests import PREFIX, modern_body, modern_headers

MOST_MB = 64
Door = Callable[[LoadedGateway], Iterator[bytes]]
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
    """Plans of many expressions, each another, as long together as a plan may have them."""
    for number in range(60):
        first = {"id": "s0", "api": "load.users.get", "args": {"id": 1}}
        others = [
            {"id": f"s{index}", "api": "load.users.get", "args": {"id": 1}, "if": f's0.ok || `"{number} {index} {"x" * 200}"`'}
            for index in range(1, 40)
        ]
        yield gateway.call("batch_execute", {"steps": [first, *others]})


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


#: door -> how many of a hundred calls must succeed: what is refused keeps nothing, and shows nothing
DOORS: dict[Door, int] = {declarations: 100, selections: 100, plans: 100, results: 100, searches: 100, writes: 100, names: 0}


async def measure(gateway: LoadedGateway) -> float:
    connections = [await Connection.to(gateway.port) for _ in range(4)]

    async def send(requests: Iterator[bytes]) -> tuple[int, int, bytes]:
        """Return how many were sent, how many of them succeeded, and the answer of one that did not."""
        sent, succeeded, other = 0, 0, b""

        async def work(connection: Connection) -> None:
            nonlocal sent, succeeded, other
            for request in requests:
                status, body = await connection.send(request)
                sent += 1
                if status == 200 and b'"isError":true' not in body and b'"error":{' not in body:
                    succeeded += 1
                else:
                    other = body

        await asyncio.gather(*map(work, connections))
        return sent, succeeded, other

    for door in DOORS:
        await send(iter([request for _number, request in zip(range(4), door(gateway), strict=False)]))
    await asyncio.sleep(3)
    began = last = gateway.resident_bytes()
    for door, least in DOORS.items():
        sent, succeeded, other = await send(door(gateway))
        await asyncio.sleep(3)
        now = gateway.resident_bytes()
        print(f"{door.__name__:14} {(now - last) / 1e6:+8.1f} MB   {succeeded} of {sent} succeeded   {door.__doc__}", flush=True)
        last = now
        if succeeded * 100 < least * sent:
            print(f"{door.__name__}: too few calls succeeded; another was answered {other[:600]!r}")
            return float("inf")
    return (last - began) / 1e6


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with loaded_gateway() as gateway:
        grown_mb = uvloop.run(measure(gateway))
    print(f"{'in all':14} {grown_mb:+8.1f} MB, at most {MOST_MB}")
    return 0 if grown_mb <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
