"""Which models routes can lead to, by whatever choice."""

from collections.abc import Iterable, Iterator

from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.routing_table import RoutingTable


def reachable(config: AiConfig, names: Iterable[str]) -> Iterator[ModelTarget]:
    """Yield every model that the routes or models `names` can lead to, each once."""
    table = RoutingTable(config)
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        route = table.route(name)
        if route is not None:
            waiting += [*(condition.use for condition in route.when), *(each.use for each in route.targets)]
        elif (target := table.target(name)) is not None:
            yield target
