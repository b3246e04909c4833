"""What goes wrong, one after the other, while clients work; and what must hold when it is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx2

from tests.contracts.postgres import stopped
from tests.flows.node_chaos.cluster import Cluster
from tests.flows.node_chaos.nodes import Node
from tests.waiting import until

DELAY_S = 0.03


class Storm:
    """`fault_s`: how long each thing lasts; `calm_s`: between two of them."""

    def __init__(self, cluster: Cluster, fault_s: float, calm_s: float) -> None:
        self._cluster, self._fault_s, self._calm_s = cluster, fault_s, calm_s
        self._imports = 0

    async def pass_over(self) -> None:
        """Let everything happen once."""
        one, two, three = self._cluster.nodes
        for what in (
            lambda: self._killed(one),
            lambda: self._stalled(two),
            lambda: self._slow(three),
            self._without_postgres,
            lambda: self._cut_off(three),
            lambda: self._replaced(two),
        ):
            await self._with_import(what)
            await self.until_well()
            await asyncio.sleep(self._calm_s)

    async def until_well(self) -> None:
        cluster = self._cluster
        for node in cluster.nodes:
            await until(lambda node=node: self._is_ready(node))  # type: ignore[misc]

    async def _is_ready(self, node: Node) -> bool:
        cluster = self._cluster
        if node.port not in cluster.well():
            return False
        try:
            return (await cluster.http.get(f"http://127.0.0.1:{node.port}/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    async def _with_import(self, what: Callable[[], Awaitable[None]]) -> None:
        """Import a document while it happens; an import that failed is done again when it is over."""
        self._imports += 1
        name = f"late{time.monotonic_ns()}"
        importing = asyncio.create_task(self._cluster.bring(name))
        await what()
        try:
            await importing
        except Exception:
            await self._cluster.bring(name)

    @contextmanager
    def _fault(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._cluster.ledger.faults.append((began, time.monotonic()))

    async def _killed(self, node: Node) -> None:
        with self._fault():
            await asyncio.to_thread(node.kill)
            await asyncio.sleep(self._fault_s)
            node.start()
            await asyncio.to_thread(node.until_ready)

    async def _stalled(self, node: Node) -> None:
        with self._fault():
            node.stop()
            await asyncio.sleep(self._fault_s)
            node.go_on()

    async def _slow(self, node: Node) -> None:
        node.link.delay_s = DELAY_S
        await asyncio.sleep(self._fault_s)
        node.link.mend()

    async def _cut_off(self, node: Node) -> None:
        with self._fault():
            node.link.cut()
            await asyncio.sleep(self._fault_s)
            node.link.mend()

    async def _without_postgres(self) -> None:
        def restart() -> None:
            with stopped(self._cluster.postgres_url):
                pass

        with self._fault():
            await asyncio.to_thread(restart)

    async def _replaced(self, node: Node) -> None:
        """No fault: who is told to end lets nobody down."""
        assert await asyncio.to_thread(node.terminate) == 0
        node.start()
        await asyncio.to_thread(node.until_ready)


async def assert_whole(cluster: Cluster) -> None:
    """No wrong answer, no acknowledged write lost, none done twice, no sign-in lost, and every node knows every import."""
    for session in cluster.sessions:
        await session.client.read()
        await session.refresh()
    for node in cluster.nodes:
        for name in cluster.imported:
            await until(lambda node=node, name=name: _knows(cluster, node, name))  # type: ignore[misc]
    lost, doubled = cluster.ledger.lost_and_doubled(cluster.notes.written)
    assert not cluster.ledger.wrong, cluster.ledger.wrong[:5]
    assert not lost, lost
    assert not doubled, doubled


async def _knows(cluster: Cluster, node: Node, name: str) -> bool:
    client = cluster.sessions[0].client
    at_node = type(client)(f"http://127.0.0.1:{node.port}", cluster.ledger, cluster.http, client.token)
    found = await at_node.until_told("discover", "discover_apis", {"ids": [f"{name}.notes.get"]})
    return "error" not in found["results"][0]
