"""What a second worker costs and gives: memory, and throughput of `call_api` beside that of one.

    python -m benchmarks.workers [--rounds 3] [--accepting]

Goals: the second takes at most 0.6 of the memory of the first, its supervisor included; two give 1.8 times the calls. Load generator and
upstream run on the same cores and take what workers would have. So three ratios are shown: calls a second as seen; calls a processor
second of the gateway, which is what two workers lose to each other; and the two together, what two workers would give on cores of
their own. `--accepting` shows instead how connections are spread over two busy processes (decision 0076). Needs wrk.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accepting import show_accepting
from benchmarks.loaded_gateway import LoadedGateway, loaded_gateway
from benchmarks.process_figures import cpu_s, pss_mb, with_children

MOST_MEMORY, LEAST_CALLS = 0.6, 1.8
CONNECTIONS, SECONDS = 32, 6
#: after which nothing more is loaded or given back
SETTLED_S = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """`calls_a_cpu_s`: of processor time of the gateway, all its processes."""

    memory_mb: float
    calls_a_s: float
    calls_a_cpu_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accepting", action="store_true")
    given = parser.parse_args()
    if given.accepting:
        show_accepting()
        return 0
    if shutil.which("wrk") is None:
        print("skipped: this needs wrk")
        return 0
    seen: dict[int, list[Seen]] = {1: [], 2: []}
    for _ in range(given.rounds):
        for workers, results in seen.items():
            results.append(look(workers))
            print(f"{workers} worker(s): {results[-1].memory_mb:.0f} MB, {results[-1].calls_a_s:.0f} calls/s, ", end="")
            print(f"{results[-1].calls_a_cpu_s:.0f} calls a processor second of the gateway", flush=True)
    one, two = (best(seen[workers]) for workers in (1, 2))
    memory, calls, cost = two.memory_mb / one.memory_mb - 1, two.calls_a_s / one.calls_a_s, two.calls_a_cpu_s / one.calls_a_cpu_s
    print(f"memory of the second, with the supervisor: {memory:.2f} of the first (goal: at most {MOST_MEMORY})")
    print(f"calls a second as seen: {calls:.2f}; a processor second: {cost:.2f}")
    print(f"two workers on cores of their own: {2 * cost:.2f} (goal: at least {LEAST_CALLS})")
    return 0 if memory <= MOST_MEMORY and 2 * cost >= LEAST_CALLS else 1


def best(seen: list[Seen]) -> Seen:
    """Return the least memory and the most calls: a busy machine only takes away."""
    return Seen(
        min(each.memory_mb for each in seen), max(each.calls_a_s for each in seen), statistics.median(each.calls_a_cpu_s for each in seen)
    )


def look(workers: int) -> Seen:
    with loaded_gateway(workers) as gateway, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "call.lua"
        script.write_text(script_of(gateway))
        processes = with_children(gateway.pid)
        load(gateway, script, 2)
        before_s = cpu_s(processes)
        calls, seconds = load(gateway, script, SECONDS)
        used_s = cpu_s(processes) - before_s
        time.sleep(SETTLED_S)
        return Seen(pss_mb(processes), calls / seconds, calls / used_s)


def load(gateway: LoadedGateway, script: Path, seconds: int) -> tuple[int, float]:
    """Return how many calls were answered in how many seconds."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{gateway.port}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) requests in ([\d.]+)s", said)
    if found is None or "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"wrk: {said}")
    return int(found[1]), float(found[2])


def script_of(gateway: LoadedGateway) -> str:
    """Return the call for wrk, byte for byte."""
    head, _, body = gateway.call("call_api", {"api": "load.users.get", "args": {"id": 42}}).decode().partition("\r\n\r\n")
    fields = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in fields if name not in ("host", "content-length")]
    return "\n".join(['wrk.method = "POST"', 'wrk.path = "/mcp"', f"wrk.body = [==[{body}]==]", *lines])


if __name__ == "__main__":
    sys.exit(main())
