"""From a request to the targets that are tried, in order, with every reason in words. No I/O; some ten microseconds."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime

from tools.ai_gateway.configuration.built_in import FRONTIER, TIERS
from tools.ai_gateway.configuration.config import AiConfig, Dialect, ModelRoute, TenantRules
from tools.ai_gateway.dialects.native.paths import read_path
from tools.ai_gateway.model_request import ModelCaller, ModelRequest
from tools.ai_gateway.refusals import forbidden, frontier_needs_model, invalid_request, model_not_allowed, model_not_found
from tools.ai_gateway.routing.allow_list import refusing
from tools.ai_gateway.routing.arms import CONTROL, arm_of
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.routing.fitting import fitting
from tools.ai_gateway.routing.flattening import Flattening
from tools.ai_gateway.routing.routing_table import RoutingTable, is_over
from tools.ai_gateway.routing.standing import Standing
from tools.versioned_documents.faults import meant, shortened

Needs = Callable[[Dialect], frozenset[str]]


def _today() -> date:
    return datetime.now(UTC).date()


def _nothing(_dialect: Dialect) -> frozenset[str]:
    return frozenset()


class Router:
    """Decides by the configuration that is in force at the moment; a request keeps what was decided for it."""

    def __init__(
        self,
        config: Callable[[], AiConfig],
        standing: Standing,
        environment_model: str,
        *,
        today: Callable[[], date] = _today,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._standing = standing
        self._environment_model = "" if environment_model == "default" else environment_model
        self._today = today
        self._chance = chance
        self._table = RoutingTable(config())

    def decide(self, request: ModelRequest, exchange_needs: Needs, input_tokens: int) -> Decision:
        """Return where `request` goes.

        exchange_needs: dialect -> what a target must be able to do. input_tokens: an estimate; of targets that are all too small by
        it, the largest stays, whose provider counts exactly. Raises ModelCallRefused.
        """
        table, caller = self._current(), request.caller
        rules = table.rules(caller.tenant_id)
        if caller.own_key and not rules.caller_keys:
            raise forbidden(f"tenant {caller.tenant_id} takes no keys of its callers' own; leave the provider's key out")
        if request.surface == "native":
            return self._native(table, request, rules)
        name, why = self._asked(request, rules)
        route = table.route(name)
        if route is None:
            return self._model(table, request, rules, name, why)
        if whose := refusing(caller, rules, name):
            raise model_not_allowed(name, whose)
        if is_over(route, self._today()):
            raise model_not_found(f"the route {name!r} ended on {route.sunset}{self._instead(caller, name)}")
        return self._routed(table, request, route, [why], exchange_needs, input_tokens)

    def decide_route(self, request: ModelRequest, route: str, exchange_needs: Needs = _nothing, input_tokens: int = 0) -> Decision:
        """Return where `request` goes by a route that was not asked for, such as a budget's `over`: whoever may call may take it.

        Raises ModelCallRefused.
        """
        table = self._current()
        found = table.route(route)
        if found is None:
            raise model_not_found(f"no route {shortened(route)!r}")
        return self._routed(table, request, found, [f"route {route} instead"], exchange_needs, input_tokens, is_tried=False)

    def models_for(self, caller: ModelCaller) -> tuple[str, ...]:
        """Return what `caller` may name as `model`: routes, and the models that the configuration speaks of."""
        return tuple(self._current().usable_by(caller, self._today()))

    def _current(self) -> RoutingTable:
        config = self._config()
        if self._table.config is not config:
            self._table = RoutingTable(config)
        return self._table

    def _asked(self, request: ModelRequest, rules: TenantRules) -> tuple[str, str]:
        """Return the name that counts, and why: request > ASCEND_AI_MODEL > tenant > defaults. Raises ModelCallRefused."""
        tier = request.wishes.tier
        if request.model == FRONTIER or (tier == FRONTIER and not request.model):
            raise frontier_needs_model()
        if tier and tier not in TIERS:
            raise invalid_request(
                f"x-gateway-tier: {shortened(tier)!r} is none of {', '.join(TIERS)}{meant(tier, TIERS)}", "x-gateway-tier"
            )
        if request.model:
            return request.model, f"the request names {shortened(request.model)}"
        if tier:
            return tier, f"x-gateway-tier is {tier}"
        if self._environment_model:
            if self._environment_model == FRONTIER:
                raise frontier_needs_model()
            return self._environment_model, f"nothing asked for; ASCEND_AI_MODEL is {self._environment_model}"
        if rules.route:
            return rules.route, f"nothing asked for; {rules.route} is the tenant's route"
        default = self._table.config.defaults.route
        return default, f"nothing asked for; {default} is the default route"

    def _model(self, table: RoutingTable, request: ModelRequest, rules: TenantRules, name: str, why: str) -> Decision:
        target = table.target(name)
        if target is None:
            raise model_not_found(self._unknown(request.caller, name))
        if whose := refusing(request.caller, rules, name, target.name):
            raise model_not_allowed(shortened(name), whose)
        reasons = [why] if name == target.name else [why, f"that is {target.name}"]
        targets = fitting([target], table, request, rules, None, reasons)
        return Decision(request.model, "", targets, tuple(reasons))

    def _routed(
        self,
        table: RoutingTable,
        request: ModelRequest,
        route: ModelRoute,
        reasons: list[str],
        exchange_needs: Needs,
        input_tokens: int,
        *,
        is_tried: bool = True,
    ) -> Decision:
        taken, experiment = self._arm(table, request, route, reasons) if is_tried else (route.name, "")
        flat = Flattening(table, request, self._standing, self._today(), self._chance, reasons)
        candidates = flat.targets(taken)
        targets = fitting(candidates, table, request, table.rules(request.caller.tenant_id), (exchange_needs, input_tokens), reasons)
        # An arm is tried as it will be in force: with its own cache. The end of the name that was asked for is that name's.
        kept = table.route(taken) or route
        return Decision(
            requested=request.model,
            route=route.name,
            targets=targets,
            reasons=tuple(reasons),
            experiment=experiment,
            cache_s=kept.cache_s,
            semantic=kept.semantic,
            sunset=route.sunset,
        )

    def _arm(self, table: RoutingTable, request: ModelRequest, route: ModelRoute, reasons: list[str]) -> tuple[str, str]:
        """Return the route or model that the caller's arm leads to, and `name/arm`."""
        experiment = table.experiment(route.name)
        if experiment is None:
            return route.name, ""
        if experiment.held:
            reasons.append(f"experiment {experiment.name} is held: {experiment.held}")
            return route.name, f"{experiment.name}/{CONTROL}"
        if experiment.shadow:
            reasons.append(f"experiment {experiment.name} is a shadow; its callers are answered by {CONTROL}")
            return route.name, f"{experiment.name}/{CONTROL}"
        arm, bucket = arm_of(experiment, request.user or request.caller.key_id)
        taken = experiment.arms.get(arm, route.name)
        if (its_route := table.route(taken)) is not None and is_over(its_route, self._today()):
            reasons.append(f"experiment {experiment.name}: the route {taken} of arm {arm} has ended")
            arm, taken = CONTROL, route.name
        reasons.append(f"experiment {experiment.name}: bucket {bucket} is arm {arm}" + (f", {taken}" if taken != route.name else ""))
        return taken, f"{experiment.name}/{arm}"

    def _native(self, table: RoutingTable, request: ModelRequest, rules: TenantRules) -> Decision:
        provider = table.config.providers.get(request.native_provider)
        if provider is None:
            raise model_not_found(
                f"no provider {shortened(request.native_provider)!r}{meant(request.native_provider, table.config.providers)}"
            )
        target = ModelTarget(provider, read_path(provider.dialect, request.native_path).model or request.model)
        if whose := refusing(request.caller, rules, target.name):
            raise model_not_allowed(shortened(target.name), whose)
        reasons = [f"the provider's own API at {provider.name}"]
        targets = fitting([target], table, request, rules, None, reasons)
        return Decision(request.model, "", targets, tuple(reasons))

    def _unknown(self, caller: ModelCaller, name: str) -> str:
        provider, has_provider, _ = name.partition("/")
        if has_provider and provider not in self._table.config.providers and (said := meant(provider, self._table.config.providers)):
            return f"no provider {shortened(provider)!r}{said}"
        return f"no model or route {shortened(name)!r}{self._instead(caller, name) or '; a model is written provider/model'}"

    def _instead(self, caller: ModelCaller, name: str) -> str:
        """Return what was probably meant, among what the caller may use: nobody learns of others' routes."""
        return meant(name, (each for each in self.models_for(caller) if each != name))
