"""What a node cannot reach, or leaves alone because it failed again and again."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind
from server.alerts.rules.store_down import STORES


class DependencyDown:
    kind: ClassVar = RuleKind(
        "dependency-down",
        "critical",
        "`/readyz` says it of each node; `ascend errors` says what its calls came to",
        every_s=15.0,
        for_s=60.0,
    )

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]]) -> None:
        self._nodes = nodes

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(f"{name}: {wrong}", {"dependency": name, "node": each.node})
            for each in self._nodes()
            for name, wrong in each.down.items()
            if name not in STORES
        ]
