"""What the gateway itself takes of a call, apart from waiting for the upstream."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind
from server.config_versions.sections.alerts import OverheadSettings
from server.observability.call_overhead import percentile_ms


class Overhead:
    kind: ClassVar = RuleKind(
        "overhead", "warning", "look at the load of the machine, and which operations are slow: `ascend calls`", every_s=15.0, for_s=300.0
    )

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]], settings: Callable[[], OverheadSettings]) -> None:
        self._nodes, self._settings = nodes, settings

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        settings = self._settings()
        found = []
        for each in self._nodes():
            calls = sum(each.overhead)
            if calls >= settings.at_least_calls and (p99_ms := percentile_ms(each.overhead, 0.99)) > settings.above_ms:
                found.append(Condition(f"p99 of {calls:,} calls within 15 minutes is {p99_ms:.0f} ms", {"node": each.node}))
        return found
