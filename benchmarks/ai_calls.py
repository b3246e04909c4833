"""What the AI gateway adds to a model call, next to a bare proxy in the same run.

    python -m benchmarks.ai_calls [--seconds 5] [--streams 500]

Defends: at 200 requests a second no more than the bare uvicorn+aiohttp proxy adds, + 1.0 ms p50 and + 5 ms p99 for whole answers, + 1.0 ms
p50 to the first token; with 16 clients half of the bare proxy's throughput or more; 500 open streams of 20 events a second without a
stall above 250 ms and at 60 KB each or less. Starts the fault provider and the bare proxy of shared/aigw, and `ascend serve`, on loopback.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from benchmarks.call_path import BENCH, BIN, ENVIRONMENT, ascend, running

AIGW = BENCH.parent / "aigw"
PROVIDER, PROXY, GATEWAY = "http://127.0.0.1:8291", "http://127.0.0.1:8292", "http://127.0.0.1:8293"
MODEL = "m+tokens=20+id=perf"
RATE_PER_S = 200
CLIENTS = 16
CONFIG = f"""
[providers.oai]
dialect = "openai"
base_url = "{PROVIDER}/oai/v1"
shared_key = true
"""


class Way:
    """One way to the provider: straight, through the bare proxy, through the gateway."""

    def __init__(self, name: str, base_url: str, model: str, key: str) -> None:
        self.name, self.url = name, f"{base_url}/v1/chat/completions"
        self.headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        self.model = model

    def body(self, *, is_stream: bool, model: str = "") -> bytes:
        asked = {"messages": [{"role": "user", "content": "hello " * 50}], "max_tokens": 100, "stream": is_stream}
        return json.dumps({"model": model or self.model} | asked).encode()


async def asked(session: aiohttp.ClientSession, way: Way, body: bytes) -> tuple[float, float]:
    """Return the milliseconds until the first content and until the end."""
    began = time.perf_counter()
    first = 0.0
    async with session.post(way.url, data=body, headers=way.headers) as answer:
        async for piece in answer.content.iter_any():
            if not first and b'"content"' in piece:
                first = time.perf_counter()
        if answer.status != 200:
            sys.exit(f"{way.name} answered {answer.status}")
    ended = time.perf_counter()
    return ((first or ended) - began) * 1000, (ended - began) * 1000


async def paced(session: aiohttp.ClientSession, ways: list[Way], seconds: int, *, is_stream: bool) -> dict[str, list[tuple[float, float]]]:
    """Start requests on time whatever the answers do; each second belongs to one way in turn, so that all see the same machine."""
    bodies = {way.name: way.body(is_stream=is_stream) for way in ways}
    tasks: dict[str, list[asyncio.Task[tuple[float, float]]]] = {way.name: [] for way in ways}
    start = time.perf_counter() + 0.05
    for number in range(RATE_PER_S * seconds * len(ways)):
        await asyncio.sleep(max(0.0, start + number / RATE_PER_S - time.perf_counter()))
        way = ways[number // RATE_PER_S % len(ways)]
        tasks[way.name].append(asyncio.create_task(asked(session, way, bodies[way.name])))
    return {name: list(await asyncio.gather(*each)) for name, each in tasks.items()}


async def throughput(session: aiohttp.ClientSession, way: Way, seconds: float) -> float:
    """Return whole answers a second with CLIENTS callers."""
    body, until, count = way.body(is_stream=False), time.perf_counter() + seconds, 0

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await asked(session, way, body)
            count += 1

    await asyncio.gather(*(caller() for _ in range(CLIENTS)))
    return count / seconds


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def added(session: aiohttp.ClientSession, ways: list[Way], seconds: int) -> bool:
    """Print what proxy and gateway add to the provider alone; return whether the gateway stays within its limits."""
    holds = True
    for is_stream, which, words in ((False, 1, "whole answer"), (True, 0, "first token")):
        seen = {name: [each[which] for each in rows] for name, rows in (await paced(session, ways, seconds, is_stream=is_stream)).items()}
        for part, limit_ms in ((0.5, 1.0), (0.99, 5.0)):
            plain = share(seen["provider"], part)
            proxy, gateway = share(seen["proxy"], part) - plain, share(seen["gateway"], part) - plain
            within = gateway <= proxy + limit_ms
            holds &= within or (is_stream and part > 0.9)
            print(f"{words} p{part * 100:.0f}: proxy adds {proxy:.2f} ms, gateway {gateway:.2f} ms (limit: proxy + {limit_ms:g} ms)")
    return holds


async def half(session: aiohttp.ClientSession, proxy: Way, gateway: Way, seconds: float) -> bool:
    """Print the throughput of gateway and proxy in turns; return whether the median ratio is at least a half."""
    ratios = []
    for _ in range(3):
        plain, through = await throughput(session, proxy, seconds), await throughput(session, gateway, seconds)
        ratios.append(through / plain)
        print(f"{CLIENTS} clients: proxy {plain:.0f}/s, gateway {through:.0f}/s, ratio {ratios[-1]:.3f}")
    return sorted(ratios)[1] >= 0.5


async def open_streams(session: aiohttp.ClientSession, way: Way, count: int, pid: int) -> bool:
    """Hold `count` streams of 20 events a second open; print the longest stall and the memory of each."""
    body = way.body(is_stream=True, model="oai/m+tokens=100+gap=50+id=perf")
    longest: list[float] = []
    before = resident_kb(pid)
    most = before

    async def one() -> None:
        last, stall = 0.0, 0.0
        async with session.post(way.url, data=body, headers=way.headers) as answer:
            async for _ in answer.content.iter_any():
                now = time.perf_counter()
                stall, last = max(stall, now - last if last else 0.0), now
        longest.append(stall * 1000)

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, resident_kb(pid))
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(one() for _ in range(count)))
    watching.cancel()
    each_kb = (most - before) / count
    print(f"{count} streams: longest stall {max(longest):.0f} ms (limit 250), {each_kb:.0f} KB each (limit 60)")
    return max(longest) <= 250 and each_kb <= 60


def resident_kb(pid: int) -> int:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def listener(port: int) -> int:
    """Return the process that serves `ascend serve` on `port`."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0")
        if b"serve" in words and str(port).encode() in words and any(word.endswith(b"ascend") for word in words):
            return int(path.parent.name)
    sys.exit("the gateway's process is not found")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=500)
    given = parser.parse_args()
    if not AIGW.is_dir():
        sys.exit(f"{AIGW} is not here: it brings the provider and the bare proxy")
    ENVIRONMENT.update(ASCEND_EGRESS_ALLOW="127.0.0.1:8291", BENCH_UPSTREAM=f"{PROVIDER}/oai")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        ascend(data, "tenant", "add", "acme")
        ascend(data, "connection", "add-key", "oai", "--tenant", "default", given="sk-upstream-of-the-benchmark\n")
        (folder / "ai.toml").write_text(CONFIG, encoding="utf-8")
        ascend(data, "ai", "apply", str(folder / "ai.toml"))
        key = json.loads(ascend(data, "ai", "key", "mint", "bench", "--tenant", "acme", "--json"))["key"]
        python, uvicorn = str(BIN / "python"), str(BIN / "uvicorn")
        provider = [python, str(AIGW / "provider.py"), "--port", "8291"]
        proxy = [uvicorn, "--app-dir", "lab", "bareproxy:app", "--port", "8292", "--log-level", "error"]
        gateway = [str(BIN / "ascend"), "serve", "--port", "8293", "--data", str(data)]
        with (
            running(provider, f"{PROVIDER}/control/stats", AIGW, folder / "provider.log"),
            running(proxy, PROXY, AIGW, folder / "proxy.log"),
            running(gateway, f"{GATEWAY}/healthz", folder, folder / "gateway.log"),
        ):
            ways = [
                Way("provider", f"{PROVIDER}/oai", MODEL, key),
                Way("proxy", PROXY, f"oai/{MODEL}", key),
                Way("gateway", GATEWAY, f"oai/{MODEL}", key),
            ]
            checks: list[Callable[[aiohttp.ClientSession], Awaitable[bool]]] = [
                lambda session: added(session, ways, given.seconds),
                lambda session: half(session, ways[1], ways[2], given.seconds),
                lambda session: open_streams(session, ways[2], given.streams, listener(8293)),
            ]
            return 0 if asyncio.run(measured(ways, checks)) else 1


async def measured(ways: list[Way], checks: list[Callable[[aiohttp.ClientSession], Awaitable[bool]]]) -> bool:
    """Warm every way, then run the checks one after the other."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        for way in ways:
            await asyncio.gather(*(asked(session, way, way.body(is_stream=number % 2 == 0)) for number in range(50)))
        return all([await check(session) for check in checks])


if __name__ == "__main__":
    raise SystemExit(main())
