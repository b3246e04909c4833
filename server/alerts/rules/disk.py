"""Little room left where the data are."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind


class Disk:
    kind: ClassVar = RuleKind("disk", "critical", "make room on the disk of the data directory, or move it to a larger one", for_s=60.0)

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]], below_percent: Callable[[], float]) -> None:
        self._nodes, self._below_percent = nodes, below_percent

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        below = self._below_percent()
        return [
            Condition(f"{each.disk_free_percent:.1f} % of the disk is free", {"node": each.node})
            for each in self._nodes()
            if each.disk_free_percent is not None and each.disk_free_percent < below
        ]
