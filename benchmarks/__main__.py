"""Every number that the project promises, measured: `python -m benchmarks [NAME ...]`; `--list` only names them.

Each benchmark runs in a process of its own with a time limit. Exit 1 when one that judges itself missed its goal, and when one
failed or ran out of time; the others only print what they saw.
"""

import argparse
import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.index_catalogues import DATA

FOLDER = Path(__file__).parent
#: what the benchmarks share, and what fits constants instead of judging them
_NO_BENCHMARK = {
    "__init__",
    "__main__",
    "accepting",
    "capacity_model",
    "context_fit",
    "index_catalogues",
    "index_fit",
    "load_upstream",
    "loaded_gateway",
    "model_upstream",
    "invariants",
    "price_book",
    "process_figures",
    "reference",
    "rooms",
}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`defends`: its goal, in a line."""

    name: str
    defends: str
    arguments: tuple[str, ...] = ()
    limit_s: float = 180
    #: what it cannot run without: an importable module, or the folder of development data
    needs_module: str = ""
    needs_data: bool = False


BENCHMARKS = (
    Benchmark("structure", "no hidden import, no circle, no file above 300 lines, no folder above 20 modules"),
    Benchmark("start", "warm start to ready in at most 2.0 s; at most 160 MB resident when idle, with the demo catalogue"),
    Benchmark("workers", "a second worker takes 0.6 of the memory of the first, and two give 1.8 times the calls", limit_s=600),
    Benchmark("scale_chaos", "three nodes while they die, stall and lose their store: nothing wrong, lost or doubled", limit_s=900),
    Benchmark("plane_weights", "an AI gateway that nobody uses costs the process at most 3 MB"),
    Benchmark("alerts", "looking at the rules of alerts takes at most 1 % of a core"),
    Benchmark("schedule_slots", "taking a slot costs at most 4 bare transactions; a scheduler that waits asks the store nothing"),
    Benchmark("commit_beside_calls", "1,000 recorded calls a second add at most 10 ms to 99 of 100 commits of a token"),
    Benchmark("sweep", "removing what has expired adds at most 50 ms to 99 of 100 commits"),
    Benchmark("console", "a page over a million calls in 50 ms of one core, 30 days in 150 ms; at most 60 KB of HTML", limit_s=600),
    Benchmark("webhook_intake", "99 of 100 webhook events are answered within 50 ms, durably on record"),
    Benchmark("workflow_steps", "a durable step in 15 ms on SQLite, 6 ms on PostgreSQL; 100 short runs/s, two processes", limit_s=300),
    Benchmark("workflow_crashes", "runs end, each effect once, whatever dies; taken over within 5 s", ("--runs", "100"), limit_s=600),
    Benchmark("discover_http", "discover_apis adds at most 5 ms over HTTP at 20,000 operations; throughput within 2x of 100"),
    Benchmark("call_path", "call_api at half a bare proxy's throughput or more; it adds 1 ms at p50, 5 ms at p99", limit_s=300),
    Benchmark("held_connections", "2,000 idle and 500 calling connections: all answered, none dropped"),
    Benchmark("soak", "memory grows by at most 1 MB in 100,000 calls of every kind", limit_s=900),
    Benchmark("fair_shares", "beside a tenant that floods, another's p99 stays within 3 times", limit_s=400),
    Benchmark("kept_memory", "abuse of every door with scope mcp leaves at most 64 MB in memory", limit_s=600),
    Benchmark("loop_stalls", "no body of 4 MB and no answer of 32 MB holds the event loop for more than 50 ms", limit_s=900),
    Benchmark("dispatch_overhead", "a call costs the same at 20,000 operations as at 100, within 5 %"),
    Benchmark(
        "ai_money", "rules, limits and price of a call in at most 60 µs; 200 calls at once never overshoot a budget, nor under-use it"
    ),
    Benchmark("ai_dialects", "an event of a model costs at most 10 times its JSON where it passes, 20 times where it is translated"),
    Benchmark(
        "ai_neighbours", "beside 500 streams and 200 callers a second who hang up, another tenant's p99 stays within 3 times", limit_s=300
    ),
    Benchmark("ai_decision", "where a model call goes is decided in at most 60 µs"),
    Benchmark(
        "context_chunks",
        "91 % of the text that answers in 6,000 characters of chunks, every quote verbatim; 150 pages of PDF a second",
        limit_s=300,
    ),
    Benchmark("batch_parallel", "ten parallel calls of 100 ms in at most 130 ms"),
    Benchmark("oauth_tokens", "a token is verified in at most 5 µs; of 1,000 concurrent refreshes none loses its pair"),
    Benchmark("connection_refresh", "10,000 connections of 30 minutes' life: 8 refreshes a second, none late", limit_s=400),
    Benchmark(
        "refresh_cycles", "10,000 connections over 2.2 lives in simulated time: none late, no refresh token used twice", limit_s=1_800
    ),
    Benchmark(
        "change_feed", "a revoked token, a disabled person and an import are in force on a second node within 100 ms at p99", limit_s=600
    ),
    Benchmark("redis_state", "a shared limit or answer costs at most 8 PINGs of the bare client; a stalled Redis holds up nobody"),
    Benchmark("capacity", "300 calls a second of 10,000 operations fit three nodes of two cores; the model says where more bends"),
    Benchmark("changes_missed", "of 100,000 changes by six writers on PostgreSQL no node misses one; heard within 0.1 s", limit_s=600),
    Benchmark("openapi_callable", "at least 99 % of the operations of every real document can be called", needs_data=True),
    Benchmark(
        "context_quality",
        "nDCG@10 of 82 for passages and 97.5 for dated facts, the right fact first in 89 %",
        needs_data=True,
    ),
    Benchmark(
        "context_isolation",
        "of 10,000 questions to two tenants with the same words none sees the other's facts or statistics",
        limit_s=400,
    ),
    Benchmark(
        "context_latency",
        "a question about 100,000 facts as of a day takes at most 2.0 times X @ q; 1.3 kB a fact, 1,000 a second indexed",
        limit_s=400,
    ),
    Benchmark("context_ingest", "1,000 facts a second on one core: linked, believed and on disk"),
    Benchmark("index_latency", "a search takes at most 0.5 / 2 / 6 ms at 1,000 / 20,000 / 100,000 operations"),
    Benchmark("index_build", "2,000 operations a second are indexed; a change is found within 50 ms at 100,000", limit_s=300),
    Benchmark(
        "index_quality",
        "nDCG@10 of 67 / 91 / 76.5 on three judged sets; both sides together beat either alone",
        limit_s=300,
        needs_data=True,
    ),
    Benchmark(
        "real_intents",
        "of everyday intents over real documents: the right operation first 62 %, in five 88 %, in twenty 96 %, visible 93 %",
        limit_s=600,
        needs_data=True,
    ),
    Benchmark(
        "context_query",
        "a question with as_of takes at most 8 ms at 100,000 facts and twice X @ q; of 10,000 over two tenants none crosses",
        limit_s=1_200,
    ),
    Benchmark("index_confidence", "nonsense is called low confidence, at most 5 % of real intents are", needs_data=True),
    Benchmark("index_learning", "learning from use costs operations that nobody used at most 2 nDCG", needs_data=True),
    Benchmark(
        "index_fast_path",
        "the int8 scan finds at least 0.99 of what the exact one finds (needs the extra accelerator)",
        needs_module="numba",
        needs_data=True,
    ),
)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help="which to run; all when none is named")
    arguments.add_argument("--list", action="store_true", help="name the benchmarks and their goals, and run none")
    given = arguments.parse_args()
    known = {benchmark.name for benchmark in BENCHMARKS} | _NO_BENCHMARK
    unlisted = sorted({path.stem for path in FOLDER.glob("*.py")} - known)
    every = [*BENCHMARKS, *(Benchmark(name, f"what it defends is not said in {Path(__file__).name} yet") for name in unlisted)]
    by_name = {benchmark.name: benchmark for benchmark in every}
    if unknown := [name for name in given.names if name not in by_name]:
        arguments.error(f"{unknown[0]}: no such benchmark; there are {', '.join(by_name)}")
    chosen = [by_name[name] for name in dict.fromkeys(given.names)] or every
    width = max(len(benchmark.name) for benchmark in chosen)
    for benchmark in chosen:
        print(f"{benchmark.name:{width}}  {benchmark.defends}")
    if given.list:
        return 0
    outcomes = [(benchmark, run(benchmark)) for benchmark in chosen]
    print()
    for benchmark, outcome in outcomes:
        print(f"{benchmark.name:{width}}  {outcome}")
    return 0 if all(outcome.startswith(("ok", "skipped")) for _, outcome in outcomes) else 1


def run(benchmark: Benchmark) -> str:
    """Run one, its output passed on; return how it ended."""
    if benchmark.needs_module and importlib.util.find_spec(benchmark.needs_module) is None:
        return f"skipped: {benchmark.needs_module} is not installed"
    if benchmark.needs_data and not DATA.is_dir():
        return "skipped: the development data is not beside the repository"
    print(f"\n== {benchmark.name}: {benchmark.defends}", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", f"benchmarks.{benchmark.name}", *benchmark.arguments]
    try:
        code = subprocess.run(command, cwd=FOLDER.parent, timeout=benchmark.limit_s, check=False).returncode
    except subprocess.TimeoutExpired:
        return f"not done within {benchmark.limit_s:.0f} s"
    print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    return "ok" if code == 0 else f"failed with exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
