"""One configuration, made ready for decisions: what a name means, once looked up, is looked up no more."""

from collections.abc import Iterator, Mapping
from datetime import date

from tools.ai_gateway.configuration.built_in import FRONTIER, PROVIDER_BY_PREFIX
from tools.ai_gateway.configuration.config import AiConfig, Experiment, ModelFacts, ModelRoute, TenantRules
from tools.ai_gateway.model_request import ModelCaller
from tools.ai_gateway.routing.allow_list import refusing
from tools.ai_gateway.routing.decision import ModelTarget

#: names of models that callers invent; routes' own targets are few
MAX_REMEMBERED = 5_000
#: no provider has longer ones; what callers send is remembered, and goes out in headers and records
MAX_NAME_CHARS = 300
_NO_RULES, _NOTHING_KNOWN = TenantRules(), ModelFacts()


class RoutingTable:
    """Reads one AiConfig; a new version has a table of its own."""

    def __init__(self, config: AiConfig) -> None:
        self.config = config
        self._experiment_by_route = {experiment.route: experiment for experiment in config.experiments.values()}
        #: as callers and routes write it -> where that is; None: no model
        self._targets: dict[str, ModelTarget | None] = {}

    def rules(self, tenant_id: str) -> TenantRules:
        return self.config.tenants.get(tenant_id, _NO_RULES)

    def route(self, name: str) -> ModelRoute | None:
        return self.config.routes.get(name)

    def experiment(self, route: str) -> Experiment | None:
        return self._experiment_by_route.get(route)

    def facts(self, target: ModelTarget) -> ModelFacts:
        return self.config.models.get(target.name, _NOTHING_KNOWN)

    def target(self, name: str) -> ModelTarget | None:
        """Return the model that `provider/id` names, or an id that only one provider's models begin like (`claude-…`)."""
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            return None
        try:
            return self._targets[name]
        except KeyError:
            if len(self._targets) >= MAX_REMEMBERED:
                self._targets.clear()
        found = self._targets[name] = self._find(name)
        return found

    def _find(self, name: str) -> ModelTarget | None:
        provider_name, has_provider, model = name.partition("/")
        provider = self.config.providers.get(provider_name)
        if has_provider and provider is not None:
            return ModelTarget(provider, model) if model else None
        # `@cf/…` has a `/` and no provider before it.
        prefix = next((each for each in PROVIDER_BY_PREFIX if name.startswith(each)), None)
        return None if prefix is None else ModelTarget(self.config.providers[PROVIDER_BY_PREFIX[prefix]], name)

    def usable_by(self, caller: ModelCaller, today: date) -> Iterator[str]:
        """Yield the names that `caller` may ask for: routes, then the models that the configuration speaks of."""
        rules = self.rules(caller.tenant_id)
        routes: Mapping[str, ModelRoute] = self.config.routes
        for name, route in routes.items():
            if name != FRONTIER and not is_over(route, today) and not refusing(caller, rules, name):
                yield name
        targets = (target.use for route in routes.values() for target in route.targets if target.use not in routes)
        for name in dict.fromkeys((*self.config.models, *targets)):
            if not refusing(caller, rules, name):
                yield name


def is_over(route: ModelRoute, today: date) -> bool:
    """Say whether a route's last day, UTC, has passed."""
    return route.sunset is not None and today > route.sunset
