"""Three nodes on one PostgreSQL behind a balancer without affinity, for minutes, while everything goes wrong again and again.

    python -m benchmarks.scale_chaos [--per-s 150] [--minutes 3]

Nodes are killed, stalled and replaced, PostgreSQL is restarted, its network delayed and cut (tests/flows/node_chaos); clients call,
write, run plans with a yes, refresh, sign in; documents are imported. Goal: 0 wrong answers, 0 acknowledged writes lost, 0 writes
doubled at the system behind, 0 sign-ins lost. What failed, and was sent again, while nothing was broken is shown.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.node_chaos.cluster import cluster
from tests.flows.node_chaos.storm import Storm, assert_whole

#: how long after a fault something may still fail by it
GRACE_S = 2.0
FAULT_S, CALM_S = 3.0, 2.0


async def show(per_s: float, minutes: float, folder: Path) -> bool:
    """Print what was done, what failed and what was wrong; return whether nothing was."""
    async with cluster(folder, sessions=12) as made:
        is_over = asyncio.Event()
        until_s, rounds = time.monotonic() + 60 * minutes, 0
        async with asyncio.TaskGroup() as group:
            group.create_task(made.load(per_s, is_over))
            while time.monotonic() < until_s:
                await Storm(made, FAULT_S, CALM_S).pass_over()
                rounds += 1
                print(f"round {rounds}: {made.ledger.done.total()} done, {len(made.ledger.failed)} sent again", file=sys.stderr)
            is_over.set()
        lost, doubled = made.ledger.lost_and_doubled(made.notes.written)
        print(f"done: {dict(made.ledger.done)}, {len(made.imported)} imports, {rounds} rounds of faults")
        print(f"sent again: {len(made.ledger.failed)}; while nothing was broken: {made.ledger.broken_off(GRACE_S).most_common(5)}")
        print(f"wrong {len(made.ledger.wrong)}, acknowledged writes lost {len(lost)}, doubled {len(doubled)} (goals: 0)")
        for each in made.ledger.wrong[:5]:
            print(f"  {each}")
        try:
            await assert_whole(made)
        except AssertionError as error:
            print(f"not whole: {str(error)[:500]}")
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-s", type=float, default=150)
    parser.add_argument("--minutes", type=float, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(show(given.per_s, given.minutes, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
