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


def requests_per_s(url: str) -> float:
    """Return what `wrk` counts. Exits where an answer is not 2xx."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{url}: {said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


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
        ratios = []
        for _ in range(rounds):
            bare, ours = requests_per_s(f"{proxy}/"), requests_per_s(f"{edge}/edge/users/users/42")
            ratios.append(ours / bare)
            print(f"bare proxy {bare:6.0f}/s   edge {ours:6.0f}/s   ratio {ratios[-1]:.3f}", flush=True)
        ratio = statistics.median(ratios)
        print(f"median ratio {ratio:.3f} (at least {LEAST_RATIO})")
        return 0 if ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
