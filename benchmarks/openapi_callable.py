"""Which share of a document's operations can be called: every one is called with generated arguments against a stub of the document.

    python -m benchmarks.openapi_callable [DOCUMENT ...]

Defends: at least 99 % of the operations of every document in ../shared/specs.
"""

import asyncio
import sys
import time
from pathlib import Path

from tests.tools.sources.openapi.callable import REQUIRED_SHARE, Tally, tally_of


def documents(arguments: list[str]) -> list[Path]:
    if arguments:
        return [Path(argument) for argument in arguments]
    return sorted((Path(__file__).parents[2] / "shared" / "specs").glob("*.json"))


def line(path: Path, tally: Tally, seconds: float) -> str:
    share = 100 * tally.callable / max(1, tally.in_document)
    counts = f"{tally.in_document:5} operations  {tally.callable:5} callable  {share:6.2f} %  {tally.calls:5} calls"
    return f"{path.name:46} {counts}  {seconds:5.1f} s"


def main(arguments: list[str]) -> int:
    failed = False
    for path in documents(arguments):
        started = time.perf_counter()
        tally = asyncio.run(tally_of(path.read_bytes(), path.name))
        print(line(path, tally, time.perf_counter() - started))
        for where, faults in tally.faults.items():
            print(f"    {where}: {' | '.join(fault[:300] for fault in faults if fault)}")
        failed |= tally.callable < REQUIRED_SHARE * tally.in_document
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
