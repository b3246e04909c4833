"""What the gateway adds to a small GET: its throughput next to a bare proxy's, and its latency at a steady pace.

    python -m benchmarks.call_path [--rounds 3]

Defends: `call_api` at half the throughput of shared/bench/bareproxy.py or more, everything on (token, scope, validation, rate limit,
audit); added latency p50 of 1 ms and p99 of 5 ms at 200 requests a second. Starts `ascend serve` and the bench upstream itself, on
loopback.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiohttp

BENCH = Path(__file__).resolve().parents[2] / "shared" / "bench"
BIN = Path(sys.executable).parent
UPSTREAM = "127.0.0.1:8190"
RATE_PER_S = 200
PACED_S = 10.0
LEAST_RATIO = 0.5
#: no request should take this long, whatever the pace
MOST_MS = 10
READY_S = 60.0
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
PARAMS = {"name": "call_api", "arguments": {"api": "bench.users.get", "args": {"id": 42}}, "_meta": META}
BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": PARAMS}).encode()
ENVIRONMENT = os.environ | {
    "ASCEND_EGRESS_ALLOW": UPSTREAM,
    "ASCEND_RATE_LIMIT_SCALE": "1000000",
    "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
}


def ascend(data: Path, *words: str, given: str | None = None) -> str:
    """Run one command of the gateway and return what it printed."""
    command = [str(BIN / "ascend"), *words, "--data", str(data)]
    return subprocess.run(command, input=given, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout


def is_up(url: str) -> bool:
    """Say whether anything answers at `url`."""
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def running(command: list[str], url: str, folder: Path, log: Path) -> Iterator[None]:
    """Run a server until the block ends."""
    with log.open("wb") as written:
        process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=written, stderr=written)
        try:
            give_up = time.monotonic() + READY_S
            while not is_up(url):
                if process.poll() is not None or time.monotonic() > give_up:
                    sys.exit(f"{command[0]} does not come up: {log.read_text()[-1000:]}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(30)


def headers_of(token: str) -> dict[str, str]:
    """Return the head of a plain 2026-07-28 call."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "call_api",
        "Authorization": f"Bearer {token}",
    }


async def paced(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> list[float]:
    """Return the sorted milliseconds of requests that start at fixed times, counted from when each should have started."""
    loop = asyncio.get_running_loop()
    count = int(RATE_PER_S * PACED_S)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(due: float) -> float:
            async with session.request(method, url, headers=headers, data=body) as response:
                await response.read()
                if response.status != 200:
                    sys.exit(f"{url} answered {response.status}")
            return (loop.time() - due) * 1000

        for _ in range(50):
            await ask(loop.time())
        started = loop.time()
        asked = []
        for number in range(count):
            due = started + number / RATE_PER_S
            await asyncio.sleep(max(0.0, due - loop.time()))
            asked.append(asyncio.create_task(ask(due)))
        return sorted(await asyncio.gather(*asked))


def adds_little(mcp: str, token: str) -> bool:
    """Print what the gateway adds to the same GET sent straight to the upstream; return whether it stays within its limits."""
    straight = asyncio.run(paced("GET", f"http://{UPSTREAM}/users/42", {}, None))
    through = asyncio.run(paced("POST", mcp, headers_of(token), BODY))
    added = {share: through[int(len(through) * share)] - straight[int(len(straight) * share)] for share in (0.5, 0.99)}
    print(f"added latency at {RATE_PER_S}/s: p50 {added[0.5]:.2f} ms (limit 1)  p99 {added[0.99]:.2f} ms (limit 5)")
    for name, latencies in (("straight to the upstream", straight), ("through the gateway", through)):
        late = sum(latency > MOST_MS for latency in latencies)
        print(
            f"  {name}: p50 {statistics.median(latencies):.2f} ms  p99 {latencies[int(len(latencies) * 0.99)]:.2f} ms"
            f"  above {MOST_MS} ms: {late} of {len(latencies)}"
        )
    return added[0.5] <= 1 and added[0.99] <= 5


def reaches_half(mcp: str, token: str, rounds: int) -> bool:
    """Let the yardstick of shared/bench alternate proxy and gateway; return whether the median ratio is at least a half."""
    run = [sys.executable, str(BENCH / "run.py"), "--mcp", mcp, "--token", token, "--rounds", str(rounds)]
    with subprocess.Popen(run, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as yardstick:
        assert yardstick.stdout is not None
        last = ""
        for last in yardstick.stdout:
            print(last, end="", flush=True)
    if yardstick.returncode:
        sys.exit(f"the yardstick ended with exit code {yardstick.returncode}")
    return float(last.split()[-1]) >= LEAST_RATIO


def main() -> int:
    """Return 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    if not (BENCH / "run.py").exists() or shutil.which("wrk") is None:
        print("skipped: this needs ../shared/bench beside the repository, and wrk")
        return 0
    with tempfile.TemporaryDirectory() as name, socket.socket() as chosen:
        data = Path(name)
        ascend(data, "import", "openapi", str(BENCH / "upstream-openapi.json"), "--provider", "bench", "--shared")
        ascend(data, "user", "add", "bench@example.com", "--tenant", "default", "--password-stdin", given=secrets.token_urlsafe(24))
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
        chosen.close()
        mcp = f"http://127.0.0.1:{port}/mcp"
        with running([str(BIN / "ascend"), "serve", "--data", name, "--port", str(port)], mcp, data, data / "serve.log"):
            token = ascend(data, "token", "mint", "--tenant", "default", "--user", "bench@example.com").split()[-1]
            is_fast = reaches_half(mcp, token, rounds)
            upstream = [sys.executable, "-m", "uvicorn", "upstream:app", "--port", "8190", "--log-level", "warning", "--no-access-log"]
            give_up = time.monotonic() + READY_S
            while is_up(f"http://{UPSTREAM}/") and time.monotonic() < give_up:
                # That of run.py, which does not wait for its end.
                time.sleep(0.2)
            with running(upstream, f"http://{UPSTREAM}/", BENCH, data / "upstream.log"):
                return 0 if adds_little(mcp, token) and is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
