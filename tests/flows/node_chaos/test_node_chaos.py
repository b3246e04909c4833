"""Three nodes behind a balancer without affinity, and everything that goes wrong, once; `benchmarks.scale_chaos` does it for minutes."""

import asyncio
from pathlib import Path

from tests.flows.node_chaos.cluster import cluster
from tests.flows.node_chaos.storm import Storm, assert_whole

PER_S = 10


async def test_nodes_that_die_stall_and_lose_their_store_let_nobody_down(tmp_path: Path) -> None:
    """Issue 17: 0 wrong answers, 0 lost acknowledged writes, 0 doubled upstream writes, 0 sign-ins lost; all started at once."""
    async with cluster(tmp_path) as made:
        is_over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(made.load(PER_S, is_over))
            await Storm(made, 0.8, 0.2).pass_over()
            is_over.set()
        await assert_whole(made)
        assert made.ledger.done.keys() >= {"read", "write", "yes", "refresh", "onboarding"}
