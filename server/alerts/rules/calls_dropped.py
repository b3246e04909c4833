"""Calls that left no record, since the store did not keep up."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind


class CallsDropped:
    kind: ClassVar = RuleKind(
        "calls-dropped",
        "critical",
        "the history does not keep up: look at the disk, at `ascend_call_rows_waiting`, and at the log for call_rows_not_written",
    )

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]]) -> None:
        self._nodes = nodes

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        return [
            Condition(f"{each.dropped:,} call records lost within 15 minutes", {"node": each.node})
            for each in self._nodes()
            if each.dropped
        ]
