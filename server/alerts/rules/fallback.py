"""Model calls that another target answered than the one that was to."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from server.alerts.node_figures import NodeFigures
from server.alerts.rule import Condition, RuleKind
from server.config_versions.sections.alerts import FallbackSettings


class Fallback:
    kind: ClassVar = RuleKind("fallback", "warning", "`ascend ai logs` says which provider fails, and with which status", every_s=15.0)

    def __init__(self, nodes: Callable[[], Sequence[NodeFigures]], settings: Callable[[], FallbackSettings]) -> None:
        self._nodes, self._settings = nodes, settings

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        settings, nodes = self._settings(), self._nodes()
        calls, fallbacks = sum(each.model_calls for each in nodes), sum(each.fallbacks for each in nodes)
        if calls < settings.at_least_calls:
            return []
        percent = 100 * fallbacks / calls
        reached = [each for each in settings.percents if percent >= each]
        if not reached:
            return []
        said = f"{percent:.0f} % of {calls:,} model calls within 15 minutes were answered by a fallback"
        return [Condition(said, {"threshold": f"{max(reached):g} %"})]
