"""How many connections one gateway holds, and what they cost: 2,000 that are idle and 500 that call.

    python -m benchmarks held_connections

Defends: all of them answered and none dropped, with the gateway started under the usual limit of open files. Of the idle ones, 100 hold
an event stream open whose call waits for its upstream; the others are kept alive and are used again at the end. Latency is compared at
one pace, since without pauses it only counts how many wait; throughput is compared without pauses.
"""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass

import uvloop

from benchmarks.loaded_gateway import Connection, LoadedGateway, loaded_gateway

IDLE, STREAMS, ACTIVE, FEW = 2_000, 100, 500, 16
#: connections are opened so many at a time
OPENED_AT_ONCE = 100
CALLS_PER_S = 400
PACED_S, UNPACED_S = 6.0, 4.0
WARM_UP_CALLS = 6_000
ANSWER_S = 40.0
MOST_KB, MOST_RATIO, LEAST_SHARE = 64.0, 2.0, 0.25


@dataclass(frozen=True, slots=True)
class Measured:
    p50_ms: float
    p99_ms: float
    calls_per_s: float


class Failures:
    """What was not answered as it should have been."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    async def ask(self, connection: Connection, request: bytes) -> None:
        """Send `request`, and note anything but a good answer."""
        try:
            async with asyncio.timeout(ANSWER_S):
                status, body = await connection.send(request)
        except (OSError, TimeoutError) as error:
            self.note(f"{type(error).__name__}: {error}")
            return
        if status != 200 or b'"isError":false' not in body:
            self.note(f"{status} {body[:200]!r}")

    def note(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


async def opened(gateway: LoadedGateway, count: int, failures: Failures) -> list[Connection]:
    """Open connections, and call once over each."""
    request = gateway.call("call_api", {"api": "load.users.get", "args": {"id": 42}})
    made: list[Connection] = []
    while len(made) < count:
        few = await asyncio.gather(*(Connection.to(gateway.port) for _ in range(min(OPENED_AT_ONCE, count - len(made)))))
        await asyncio.gather(*(failures.ask(connection, request) for connection in few))
        made += few
    return made


async def measured(gateway: LoadedGateway, connections: list[Connection], failures: Failures) -> Measured:
    """Return the latencies at one pace over all `connections`, and the throughput without pauses."""
    request = gateway.call("call_api", {"api": "load.users.get", "args": {"id": 42}})
    spent_ms: list[float] = []
    pause_s = len(connections) / CALLS_PER_S

    async def call_regularly(number: int, connection: Connection, until: float) -> None:
        due = time.perf_counter() + pause_s * number / len(connections)
        while due < until and not connection.is_lost:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            await failures.ask(connection, request)
            spent_ms.append((time.perf_counter() - began) * 1000)
            due += pause_s

    async def call_at_once(connection: Connection, until: float) -> int:
        calls = 0
        while time.perf_counter() < until and not connection.is_lost:
            await failures.ask(connection, request)
            calls += 1
        return calls

    until = time.perf_counter() + PACED_S
    await asyncio.gather(*(call_regularly(number, connection, until) for number, connection in enumerate(connections)))
    began = time.perf_counter()
    calls = sum(await asyncio.gather(*(call_at_once(connection, began + UNPACED_S) for connection in connections)))
    unpaced_s = time.perf_counter() - began
    spent_ms.sort()
    return Measured(statistics.median(spent_ms), spent_ms[int(len(spent_ms) * 0.99)], calls / unpaced_s)


async def main(gateway: LoadedGateway) -> int:
    failures = Failures()
    few = await opened(gateway, FEW, failures)
    request = gateway.call("call_api", {"api": "load.users.get", "args": {"id": 42}})
    for _ in range(WARM_UP_CALLS // FEW):
        await asyncio.gather(*(failures.ask(connection, request) for connection in few))
    alone = await measured(gateway, few, failures)
    before = gateway.resident_bytes()

    idle = await opened(gateway, IDLE - STREAMS, failures)
    idle_kb = (gateway.resident_bytes() - before) / len(idle) / 1024
    steps = [{"id": "soon", "api": "load.users.get", "args": {"id": 1}}, {"id": "late", "api": "load.late.get", "depends_on": ["soon"]}]
    held = gateway.call("batch_execute", {"steps": steps, "timeout_s": 60}, progress=True)
    streaming = [await Connection.to(gateway.port) for _ in range(STREAMS)]
    streams = [asyncio.create_task(failures.ask(connection, held)) for connection in streaming]
    active = await opened(gateway, ACTIVE, failures)
    crowded = await measured(gateway, active, failures)
    all_kb = (gateway.resident_bytes() - before) / (IDLE + ACTIVE) / 1024
    open_files = gateway.open_files()

    await asyncio.gather(*streams)
    for connection in [*idle, *streaming]:
        if connection.is_lost:
            failures.note("an idle connection was dropped")
        else:
            await failures.ask(connection, request)
    for connection in [*few, *idle, *streaming, *active]:
        connection.close()
    return report(alone, crowded, idle_kb, all_kb, open_files, failures)


def report(alone: Measured, crowded: Measured, idle_kb: float, all_kb: float, open_files: int, failures: Failures) -> int:
    p50, p99 = crowded.p50_ms / alone.p50_ms, crowded.p99_ms / alone.p99_ms
    share = crowded.calls_per_s / alone.calls_per_s
    print(f"{IDLE} idle connections ({STREAMS} of them open streams) and {ACTIVE} that call; the gateway has {open_files} files open")
    print(f"resident memory: {idle_kb:.1f} KB for an idle connection, {all_kb:.1f} KB for any of all, calls and streams included")
    print(f"at {CALLS_PER_S} calls/s: p50 {crowded.p50_ms:.2f} ms, p99 {crowded.p99_ms:.2f} ms")
    print(f"  through {FEW} connections alone: p50 {alone.p50_ms:.2f} ms, p99 {alone.p99_ms:.2f} ms; ratio {p50:.2f} and {p99:.2f}")
    print(f"without pauses: {crowded.calls_per_s:.0f} calls/s, through {FEW} alone {alone.calls_per_s:.0f}; ratio {share:.2f}")
    for what, count in failures.seen.items():
        print(f"FAILED {count} times: {what}")
    if failures.seen:
        return 1
    print("all answered, none dropped")
    is_good = all_kb <= MOST_KB and p50 <= MOST_RATIO and share >= LEAST_SHARE
    print(f"limits: {MOST_KB:.0f} KB a connection, median ratio {MOST_RATIO:.1f}, throughput ratio {LEAST_SHARE}")
    return 0 if is_good else 1


if __name__ == "__main__":
    with loaded_gateway() as running:
        sys.exit(uvloop.run(main(running)))
