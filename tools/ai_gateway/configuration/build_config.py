"""A checked document -> the configuration in force, with what is built in where the document says nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tools.ai_gateway.configuration.built_in import PROVIDERS, ROUTES
from tools.ai_gateway.configuration.config import (
    AiConfig,
    BreakerRule,
    Condition,
    Defaults,
    Experiment,
    GatewayResource,
    HoldRule,
    ModelFacts,
    ModelProvider,
    ModelRoute,
    PriceRule,
    PriceTier,
    TenantRules,
    WeightedTarget,
)
from tools.ai_gateway.configuration.gateway_names import name_of
from tools.metering.money import to_nano_usd
from tools.metering.rules import BudgetRule, LimitRule, Selector
from tools.operation import Json

_SELECTOR = ("tenant", "gateway", "key", "user", "provider", "model")


def build_config(document: Json, version: int = 0) -> AiConfig:
    """Return what `document`, which `read_document` has checked, puts in force; the empty one is what is built in."""
    section = document.get
    return AiConfig(
        version=version,
        defaults=_defaults(section("defaults", {})),
        providers=PROVIDERS | {name: _provider(name, entry) for name, entry in section("providers", {}).items()},
        models={name: _facts(entry) for name, entry in section("models", {}).items()},
        routes=ROUTES | {name: _route(name, entry) for name, entry in section("routes", {}).items()},
        tenants={name: _tenant(entry) for name, entry in section("tenants", {}).items()},
        gateways=dict(_gateway(name_of(key), entry) for key, entry in section("gateways", {}).items()),
        budgets=tuple(map(_budget, section("budgets", ()))),
        limits=tuple(map(_limit, section("limits", ()))),
        prices=tuple(map(_price, section("prices", ()))),
        experiments={entry["name"]: _experiment(entry) for entry in section("experiments", ())},
    )


def _gateway(name: str, entry: Json) -> tuple[tuple[str, str], GatewayResource]:
    tenant_id = entry["tenant"]
    return (tenant_id, name), GatewayResource(name, tenant_id, entry.get("requests_per_min"))


def _defaults(entry: Mapping[str, Json]) -> Defaults:
    breaker = BreakerRule(**entry.get("breaker", {}))
    return Defaults(**{**entry, "breaker": breaker})


def _provider(name: str, entry: Mapping[str, Json]) -> ModelProvider:
    known = PROVIDERS.get(name) or ModelProvider(name, entry["dialect"], entry["base_url"])
    return replace(
        known,
        dialect=entry.get("dialect", known.dialect),
        base_url=entry.get("base_url", known.base_url).rstrip("/"),
        shared_key=entry.get("shared_key", False),
        traceparent=entry.get("traceparent", False),
    )


def _facts(entry: Mapping[str, Json]) -> ModelFacts:
    return ModelFacts(entry.get("context"), frozenset(entry["can"]) if "can" in entry else None)


def _route(name: str, entry: Mapping[str, Json]) -> ModelRoute:
    return ModelRoute(
        name,
        targets=tuple(map(_target, entry.get("targets", ()))),
        when=tuple(Condition(each["use"], each.get("complexity"), each.get("metadata", {})) for each in entry.get("when", ())),
        pick=entry.get("pick", "ordered"),
        sticky=entry.get("sticky"),
        cache_s=entry.get("cache_s", 0),
        semantic=entry.get("semantic"),
        sunset=_date(entry.get("sunset")),
    )


def _target(entry: Json) -> WeightedTarget:
    return WeightedTarget(entry) if isinstance(entry, str) else WeightedTarget(entry["use"], entry.get("weight", 1))


def _tenant(entry: Mapping[str, Json]) -> TenantRules:
    return TenantRules(
        route=entry.get("route", ""),
        allow=tuple(entry["allow"]) if "allow" in entry else None,
        deny=tuple(entry.get("deny", ())),
        caller_keys=entry.get("caller_keys", False),
        log_payloads=entry.get("log_payloads", False),
        context=entry.get("context", ""),
        context_embeddings=entry.get("context_embeddings", ""),
        context_dimensions=entry.get("context_dimensions"),
    )


def _selector(entry: Mapping[str, Json]) -> Selector:
    return Selector(**{name: entry[name] for name in _SELECTOR if name in entry})


def _budget(entry: Mapping[str, Json]) -> BudgetRule:
    over = entry.get("over", "")
    return BudgetRule(
        name=entry["name"],
        of=_selector(entry),
        window=entry["window"],
        nano_usd=to_nano_usd(entry["usd"]) if "usd" in entry else None,
        tokens=entry.get("tokens"),
        alerts=tuple(entry.get("alerts", ())),
        over="" if over == "refuse" else over,
    )


def _limit(entry: Mapping[str, Json]) -> LimitRule:
    return LimitRule(of=_selector(entry), per=entry["per"], requests=entry.get("requests"), tokens=entry.get("tokens"))


def _price(entry: Mapping[str, Json]) -> PriceRule:
    neurons = entry.get("neurons", {})
    return PriceRule(
        model=entry["model"],
        since=date.fromisoformat(entry["from"]),
        input=entry.get("input", 0),
        output=entry.get("output", 0),
        cached_input=entry.get("cached_input"),
        cache_write=entry.get("cache_write"),
        per_request=entry.get("per_request", 0),
        neurons_per_request=neurons.get("per_request", 0),
        usd_per_1000_neurons=neurons.get("usd_per_1000", 0),
        above=tuple(PriceTier(tier["input_tokens"], tier["input"], tier["output"]) for tier in entry.get("above", ())),
        utc=entry.get("utc", ""),
    )


def _experiment(entry: Mapping[str, Json]) -> Experiment:
    hold, rollout = entry.get("hold"), tuple(entry.get("rollout", ()))
    return Experiment(
        name=entry["name"],
        route=entry["route"],
        arms=entry["arms"],
        share=dict.fromkeys(entry["arms"], rollout[0]) if rollout else entry.get("share", {}),
        hold=None if hold is None else HoldRule(**hold),
        shadow=entry.get("shadow", False),
        rollout=rollout,
    )


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
