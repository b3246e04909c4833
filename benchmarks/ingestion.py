"""500 calls of one day at the Gong stand-in, with every fault on, taken in by unattended windows over five days.

    python -m benchmarks.ingestion [CALLS]

Goal: none lost, none twice, at most 3 calls a second, every window and every item succeeds. The days pass by the stand-in's clock; the
seconds at the end are the machine's.
"""

import sys
import tempfile
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import anyio

from tests.tools.workflows.ingestion.gong_days import DAY, EVERY_FAULT, stand_in, taking_in, unattended

CALLS = 500
MOST_PER_S = 3


async def main(calls: int) -> int:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        async with taking_in(Path(folder), stand_in(calls, DAY + timedelta(hours=12), **EVERY_FAULT)) as gong:
            verdict = await unattended(gong)
            traffic = gong.vendor.traffic
    for name, value in asdict(verdict).items():
        print(f"{name.replace('_', ' '):24}{value:>8}")
    print(f"{'requests':24}{traffic.total:>8}  of which refused: {dict(sorted(traffic.answers.items()))}, torn: {traffic.torn}")
    print(f"{'seconds':24}{time.perf_counter() - began:>8.0f}")
    wrong = verdict.failed + verdict.lost + verdict.twice + verdict.strangers + verdict.outdated
    return int(wrong > 0 or verdict.highest_per_s > MOST_PER_S or verdict.passages != verdict.taken)


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
