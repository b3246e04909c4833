"""A store that does not answer: nothing that others say can be trusted meanwhile, so it mutes the rest."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind

#: dependencies that are stores
STORES = ("store", "history")


class StoreDown:
    """Seen by the rules while the state's own store answers; without that one, server/alerts/outage.py tells."""

    kind: ClassVar = RuleKind(
        "store-down", "critical", "look at the database and its disk; calls that need it fail until it answers", every_s=15.0, for_s=30.0
    )

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]]) -> None:
        self._nodes = nodes

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        down = [(name, each.down[name], each.node) for each in self._nodes() for name in STORES if name in each.down]
        return [Condition(f"{name}: {wrong}", {"store": name, "node": node}) for name, wrong, node in down]
