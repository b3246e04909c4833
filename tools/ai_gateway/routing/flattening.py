"""A route's targets, routes within routes laid out, in the order in which they are tried."""

from collections.abc import Callable
from datetime import date

from tools.ai_gateway.configuration.config import Condition, ModelRoute, WeightedTarget
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.complexity import Complexity, complexity_of
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.picking import by_weight, cheapest, fastest, steady_chance
from tools.ai_gateway.routing.routing_table import RoutingTable, is_over
from tools.ai_gateway.routing.standing import Standing


class Flattening:
    """Of one request; what it does is added to `reasons`."""

    def __init__(
        self,
        table: RoutingTable,
        request: ModelRequest,
        standing: Standing,
        today: date,
        chance: Callable[[], float],
        reasons: list[str],
    ) -> None:
        self._table, self._request, self._standing = table, request, standing
        self._today, self._chance, self._reasons = today, chance, reasons
        self._complexity: tuple[Complexity, str] | None = None
        #: route or model -> what it leads to: a route that several lead to is looked at once
        self._found: dict[str, list[ModelTarget]] = {}

    def targets(self, name: str) -> list[ModelTarget]:
        """Return the models that the route or model `name` leads to, each once."""
        return self._of(name)

    def _of(self, name: str) -> list[ModelTarget]:
        found = self._found.get(name)
        if found is None:
            route = self._table.route(name)
            if route is None:
                target = self._table.target(name)
                found = [] if target is None else [target]
            else:
                found = self._of_route(route)
            self._found[name] = found
        return found

    def _of_route(self, route: ModelRoute) -> list[ModelTarget]:
        name = route.name
        if is_over(route, self._today):
            self._reasons.append(f"{name} ended on {route.sunset}")
            return []
        for condition in route.when:
            if why := self._holds(condition):
                self._reasons.append(f"{name}: {why}, hence {condition.use}")
                return self._of(condition.use)
        return self._ordered(route)

    def _ordered(self, route: ModelRoute) -> list[ModelTarget]:
        entries: list[WeightedTarget] | tuple[WeightedTarget, ...] = route.targets
        if route.pick == "weighted":
            entries = self._weighted(route)
        # Each once on every level: what a hundred routes lead to is still one target.
        found = list({target.name: target for entry in entries for target in self._of(entry.use)}.values())
        if route.pick in ("cheapest", "fastest") and len(found) > 1:
            found = (cheapest if route.pick == "cheapest" else fastest)(found, self._standing)
            self._reasons.append(f"{route.name}: {found[0].name} is the {route.pick}")
        return found

    def _weighted(self, route: ModelRoute) -> list[WeightedTarget]:
        request = self._request
        whose = ""
        if route.sticky == "session":
            whose = request.wishes.session
        elif route.sticky == "user":
            whose = request.user or request.caller.key_id
        chance = steady_chance(route.name, whose) if whose else lambda _use: self._chance() or 0.5
        entries = by_weight(route.targets, chance)
        self._reasons.append(f"{route.name}: {entries[0].use} first, by {f'its {route.sticky}' if whose else 'weight'}")
        return entries

    def _holds(self, condition: Condition) -> str:
        """Return why a condition holds, in words; "" where it does not."""
        metadata = self._request.wishes.metadata
        for name, wanted in condition.metadata.items():
            # JSON knows no 1 that equals true.
            if name not in metadata or metadata[name] != wanted or isinstance(metadata[name], bool) != isinstance(wanted, bool):
                return ""
        said = [f"metadata {name} is {wanted!r}" for name, wanted in condition.metadata.items()]
        if condition.complexity is not None:
            if self._complexity is None:
                self._complexity = complexity_of(self._request.body)
            level, why = self._complexity
            if level != condition.complexity:
                return ""
            said.append(f"it is {level} ({why})")
        return " and ".join(said) or "nothing else holds"
