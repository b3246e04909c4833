"""What the edge adds to a request that it passes on: its throughput next to a bare proxy's, in one run.

    python -m benchmarks.edge [--rounds 5]

Defends: a route with everything on (records, header rules, limits by address, a health check) at 0.6 of shared/bench/bareproxy.py,
which only forwards, or more. Starts `ascend serve`, the bench upstream and the proxy itself, on loopback; needs wrk.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.call_path import BENCH, BIN, ENVIRONMENT, ascend, running

LEAST_RATIO = 0.6
CONNECTIONS = 16
SECONDS = 3
ROUTE = """\
[[edge]]
name = "users"
limit = "100000000/h"
backends = [{{ url = "{url}", weight = 70 }}, {{ url = "{url}/", weight = 30 }}]
health = {{ path = "/users/42" }}
"""


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@contextmanager
def served(module: str, folder: Path, **environment: str) -> Iterator[str]:
    """Run an application of shared/bench on a free port; give its URL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    os.environ.update(environment)
    ENVIRONMENT.update(environment)
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/users/42", BENCH, folder / f"{module}.log"):
        yield url


def load(url: str) -> tuple[float, float]:
    """Return requests a second as `wrk` counts them, and microseconds of processor time that the server took for each.

    Exits where an answer is not 2xx.
    """
    process = _process_at(url)
    before = _processor_s(process)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent_s = _processor_s(process) - before
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{url}: {said}")
    rate, count = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"(\d+) requests in", said)
    assert rate is not None, said
    assert count is not None, said
    return float(rate[1]), spent_s / int(count[1]) * 1e6


def _process_at(url: str) -> Path:
    """Return the folder in /proc of the server that was told the port of `url`."""
    wanted = b"--port\0%d\0" % (urlsplit(url).port or 80)
    return next(each.parent for each in Path("/proc").glob("[0-9]*/cmdline") if wanted in _read(each))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It ended meanwhile.


def _processor_s(process: Path) -> float:
    """Return user and system time of a process and its threads (proc(5), stat: fields 14 and 15)."""
    user, system = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Return 1 where the limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not (BENCH / "bareproxy.py").exists() or shutil.which("wrk") is None:
        print("skipped: this needs ../shared/bench beside the repository, and wrk")
        return 0
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        data = Path(name)
        upstream = stack.enter_context(served("upstream", data))
        proxy = stack.enter_context(served("bareproxy", data, BENCH_UPSTREAM=upstream))
        ENVIRONMENT["ASCEND_EGRESS_ALLOW"] = upstream.removeprefix("http://")
        (data / "edge.toml").write_text(ROUTE.format(url=upstream), encoding="utf-8")
        ascend(data, "config", "apply", str(data / "edge.toml"))
        edge = f"http://127.0.0.1:{free_port()}"
        serve = [str(BIN / "ascend"), "serve", "--data", name, "--port", edge.rpartition(":")[2]]
        stack.enter_context(running(serve, edge, data, data / "serve.log"))
        ratios, costs = [], []
        for _ in range(rounds):
            (bare, bare_us), (ours, ours_us) = load(f"{proxy}/"), load(f"{edge}/edge/users/users/42")
            ratios.append(ours / bare)
            costs.append(bare_us / ours_us)
            print(
                f"bare proxy {bare:6.0f}/s {bare_us:4.0f} us   edge {ours:6.0f}/s {ours_us:4.0f} us"
                f"   ratio {ratios[-1]:.3f}, by processor time {costs[-1]:.3f}",
                flush=True,
            )
        ratio, cost = statistics.median(ratios), statistics.median(costs)
        # Others on the machine take what they take from one and not from the other; processor time does not tell of them.
        print(f"median ratio {ratio:.3f}, by processor time {cost:.3f} (at least {LEAST_RATIO})")
        return 0 if max(ratio, cost) >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
