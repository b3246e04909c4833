"""Which nodes there are, and when each was heard last: each reports to the one that watches alerts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from server.alerts.watch import LEASE_US, NODE_SILENT_US
from server.storage.alerts.stores import AlertStores

State = Literal["good", "warn", "bad"]
#: a node that is silent for longer was taken out
FORGOTTEN_US = 3_600 * 1_000_000
#: those that are silent come first
MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is; `advice`: what to do, "" where it is well."""

    part: str
    state: State
    words: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class NodeHealth:
    stores: AlertStores
    clock: Callable[[], float]

    async def findings(self) -> Sequence[Finding]:
        """Return how each node is that was heard within the hour."""
        now_us = int(self.clock() * 1_000_000)
        heard = sorted((await self._heard(now_us)).items(), key=lambda each: (now_us - each[1] <= NODE_SILENT_US, each[0]))
        if not heard:
            return [
                Finding("Nodes", "good", "none was heard within the hour: nodes report where alerts are on, from ten seconds after a start")
            ]
        more = [Finding("Nodes", "good", f"{len(heard) - MAX_SHOWN:,} others were heard")] if len(heard) > MAX_SHOWN else []
        return [_finding(node, now_us - at_us) for node, at_us in heard[:MAX_SHOWN]] + more

    async def _heard(self, now_us: int) -> Mapping[str, int]:
        """Return when each node was heard last, whichever process of it."""
        processes = [(report.node, report.at_us) for report in await self.stores.nodes.since(now_us - FORGOTTEN_US)]
        if (watch := await self.stores.states.last_holder()) is not None and watch[1] - LEASE_US >= now_us - FORGOTTEN_US:
            # Who watches reports to nobody, and renews the watch.
            processes.append((watch[0], watch[1] - LEASE_US))
        heard: dict[str, int] = {}
        for process, at_us in processes:
            node = process.rpartition("-")[0] or process
            heard[node] = max(heard.get(node, 0), at_us)
        return heard


def _finding(node: str, silent_us: int) -> Finding:
    seconds = max(0, silent_us) // 1_000_000
    words = f"heard {seconds} s ago" if seconds < 120 else f"heard {seconds // 60} min ago"
    if silent_us <= NODE_SILENT_US:
        return Finding(f"Node {node}", "good", words)
    return Finding(
        f"Node {node}", "warn", words, "look whether it runs and reaches the store; one that was taken out is forgotten within the hour"
    )
