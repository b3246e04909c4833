"""Do many streams and callers who hang up slow another tenant's model calls? Its p99 beside them and alone, as a ratio.

    python -m benchmarks.ai_neighbours [--streams 500] [--hang-ups 200] [--seconds 10]

Defends: at most 3 times, or what the same load straight to the providers does to a straight call in the same run, whichever is more:
on a machine that is full nobody's calls are quick. Streams have 20 events a second; a hang-up is a stream that its caller leaves after
50 ms. They come from a process of their own and go to another provider than the other tenant's calls. Also tells how much of a core the
gateway takes meanwhile.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from benchmarks.ai_calls import listener
from benchmarks.call_path import BIN, ENVIRONMENT, ascend, running
from benchmarks.loaded_gateway import Connection

ROOT = Path(__file__).parents[1]
MOST = 3.0
#: what is too quick to be compared on a machine that others use counts as this
FLOOR_S = 0.02
BUSY, QUICK = "http://127.0.0.1:8391", "http://127.0.0.1:8392"
GATEWAY = "http://127.0.0.1:8393"
ENDLESS, ANSWER = "endless", "short"
LEFT_AFTER_S = 0.05
CALLS_PER_S = 25
CONFIG = "".join(
    f'[providers.{name}]\ndialect = "openai"\nbase_url = "{url}/v1"\nshared_key = true\n' for name, url in (("busy", BUSY), ("oai", QUICK))
)


@dataclass(frozen=True, slots=True)
class Way:
    """Where a call goes, and its bytes. An ENDLESS one is a stream."""

    port: int
    asked: bytes

    @classmethod
    def to(cls, base_url: str, model: str, key: str) -> "Way":
        asked = {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "stream": ENDLESS in model}
        body, where = json.dumps(asked).encode(), urlsplit(base_url)
        lines = (
            "POST /v1/chat/completions HTTP/1.1",
            f"host: {where.netloc}",
            f"authorization: Bearer {key}",
            "content-type: application/json",
        )
        return cls(where.port or 80, "\r\n".join((*lines, f"content-length: {len(body)}")).encode() + b"\r\n\r\n" + body)


class Reading(asyncio.Protocol):
    """A caller who asks as soon as there is a connection, and cares for nothing that comes."""

    def __init__(self, asked: bytes) -> None:
        self._asked = asked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as a stream connection gives it
        transport.write(self._asked)


async def flood(port: int, asked: bytes, streams: int, hang_ups: int, is_under_way: Event) -> None:
    """Hold streams open and leave others, until this process is ended."""
    loop = asyncio.get_running_loop()

    async def begun() -> asyncio.Transport:
        return (await loop.create_connection(lambda: Reading(asked), "127.0.0.1", port))[0]

    async def left() -> None:
        loop.call_later(LEFT_AFTER_S, (await begun()).abort)

    for _ in range(streams):
        await begun()
    is_under_way.set()
    start, leaving = loop.time(), set[asyncio.Task[None]]()
    for number in range(10**9) if hang_ups else ():
        await asyncio.sleep(max(0.0, start + number / hang_ups - loop.time()))
        leaving.add(task := asyncio.create_task(left()))
        task.add_done_callback(leaving.discard)
    await asyncio.Event().wait()


def flooding(port: int, asked: bytes, streams: int, hang_ups: int, is_under_way: Event) -> None:
    uvloop.run(flood(port, asked, streams, hang_ups, is_under_way))


@contextmanager
def beside(port: int, asked: bytes, streams: int, hang_ups: int) -> Iterator[None]:
    """Flood from another process until the block ends."""
    context = multiprocessing.get_context("spawn")
    is_under_way = context.Event()
    process = context.Process(target=flooding, args=(port, asked, streams, hang_ups, is_under_way), daemon=True)
    process.start()
    try:
        if not is_under_way.wait(60):
            sys.exit("the flood does not begin")
        yield
    finally:
        process.kill()
        process.join()


async def latencies_s(port: int, asked: bytes, seconds: float) -> list[float]:
    """Return how long calls took, from when each was due: one that has to wait for the one before it waits, too."""
    connection, taken, start = await Connection.to(port), list[float](), time.perf_counter()
    for number in range(int(CALLS_PER_S * seconds)):
        due = start + number / CALLS_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        status, body = await connection.send(asked)
        if status != 200:
            sys.exit(f"the other tenant's call was answered {status}: {body[:300]!r}")
        taken.append(time.perf_counter() - due)
    connection.close()
    return sorted(taken)


def cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def p99(taken: list[float]) -> float:
    return max(FLOOR_S, taken[min(len(taken) - 1, int(len(taken) * 0.99))])


async def ratio(name: str, mine: Way, theirs: Way, given: argparse.Namespace, pid: int = 0) -> float:
    """Print and return how many times longer a call takes beside the flood. `pid`: whose share of a core to tell; 0: nobody's."""
    await latencies_s(mine.port, mine.asked, 1)
    alone = await latencies_s(mine.port, mine.asked, given.seconds)
    with beside(theirs.port, theirs.asked, given.streams, given.hang_ups):
        await asyncio.sleep(5)
        before, began = cpu_s(pid) if pid else 0.0, time.monotonic()
        flooded = await latencies_s(mine.port, mine.asked, given.seconds)
        core = (cpu_s(pid) - before) / (time.monotonic() - began) if pid else 0.0
    await asyncio.sleep(2)
    # Once more, as the machine may be busier than it was.
    alone = sorted([*alone, *await latencies_s(mine.port, mine.asked, given.seconds)])
    times = p99(flooded) / p99(alone)
    shown = [f"{each[len(each) // 2] * 1e3:.1f} to {each[int(len(each) * 0.99)] * 1e3:.1f} ms" for each in (alone, flooded)]
    used = f"; the gateway takes {core:.2f} of a core" if pid else ""
    print(f"{name}: half to p99 {shown[0]} alone, {shown[1]} beside; p99 {times:.2f} x{used}", flush=True)
    return times


async def measure(given: argparse.Namespace, quiet: str, loud: str) -> bool:
    straight = await ratio("straight", Way.to(QUICK, ANSWER, quiet), Way.to(BUSY, ENDLESS, loud), given)
    mine, theirs = Way.to(GATEWAY, f"oai/{ANSWER}", quiet), Way.to(GATEWAY, f"busy/{ENDLESS}", loud)
    return await ratio("gateway", mine, theirs, given, listener(int(GATEWAY.rpartition(":")[2]))) <= max(MOST, straight)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--hang-ups", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10)
    given = parser.parse_args()
    ENVIRONMENT.update(ASCEND_EGRESS_ALLOW="127.0.0.1:*")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        for tenant in ("quiet", "loud"):
            ascend(data, "tenant", "add", tenant)
        for provider in ("busy", "oai"):
            ascend(data, "connection", "add-key", provider, "--tenant", "default", given="sk-upstream-of-the-benchmark\n")
        (folder / "ai.toml").write_text(CONFIG, encoding="utf-8")
        ascend(data, "ai", "apply", str(folder / "ai.toml"))
        minted = [json.loads(ascend(data, "ai", "key", "mint", "bench", "--tenant", each, "--json")) for each in ("quiet", "loud")]
        providers = [[sys.executable, "-m", "benchmarks.model_upstream", url.rpartition(":")[2]] for url in (BUSY, QUICK)]
        gateway = [str(BIN / "ascend"), "serve", "--port", GATEWAY.rpartition(":")[2], "--data", str(data)]
        with (
            running(providers[0], BUSY, ROOT, folder / "busy.log"),
            running(providers[1], QUICK, ROOT, folder / "quick.log"),
            running(gateway, f"{GATEWAY}/healthz", folder, folder / "gateway.log"),
        ):
            return 0 if asyncio.run(measure(given, *(each["key"] for each in minted))) else 1


if __name__ == "__main__":
    raise SystemExit(main())
