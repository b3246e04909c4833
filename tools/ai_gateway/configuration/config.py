"""What the configuration says, checked; one frozen value is in force at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from tools.metering.rules import BudgetRule, LimitRule
from tools.operation import Json

Dialect = Literal["openai", "anthropic", "gemini", "bedrock", "workers_ai"]
Pick = Literal["ordered", "weighted", "cheapest", "fastest"]


@dataclass(frozen=True, slots=True)
class BreakerRule:
    failures: int = 5
    window_s: float = 30
    open_s: float = 15


@dataclass(frozen=True, slots=True)
class Defaults:
    route: str = "bulk"
    connect_s: float = 5
    first_byte_s: float = 30
    idle_s: float = 30
    total_s: float = 600
    max_output_tokens: int = 4096
    breaker: BreakerRule = BreakerRule()


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """Where models are served. `base_url` has no slash at its end."""

    name: str
    dialect: Dialect
    base_url: str
    #: tenants without a key of their own use the default tenant's
    shared_key: bool = False
    #: OpenAI's /responses exists there; else such a request is translated to chat
    has_responses: bool = True
    #: asks for no key (a local server)
    is_keyless: bool = False
    #: is told the trace that a call belongs to
    traceparent: bool = False


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model; None: unknown, and then nothing is held against it."""

    context_tokens: int | None = None
    can: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class WeightedTarget:
    """A model (`provider/id`) or the name of another route."""

    use: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """The first that holds decides; all of its parts must hold, and none always holds."""

    use: str
    complexity: Literal["simple", "medium", "complex"] | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """A name that callers use as `model`."""

    name: str
    targets: tuple[WeightedTarget, ...] = ()
    when: tuple[Condition, ...] = ()
    pick: Pick = "ordered"
    sticky: Literal["session", "user"] | None = None
    cache_s: float = 0
    #: similarity from which another question's answer serves; None: never
    semantic: float | None = None
    sunset: date | None = None


@dataclass(frozen=True, slots=True)
class TenantRules:
    route: str = ""
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    caller_keys: bool = False
    log_payloads: bool = False
    #: the model or route that the context plane may ask for this tenant; "": none
    context: str = ""
    #: the embeddings model, or the route to one, whose vectors facts and passages are found by; "": the word table's
    context_embeddings: str = ""
    #: how many numbers a vector of it shall have, for models that can be told; None: as many as it has
    context_dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayResource:
    """Cloudflare's named gateway: `/v1/{tenant}/{gateway}/…`. `id`: its name within its tenant."""

    id: str
    tenant_id: str
    requests_per_min: int | None = None


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Rates that hold above so many input tokens."""

    input_tokens: int
    input: float
    output: float


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price of the file, in dollars per million tokens; it goes before the built-in book."""

    model: str
    since: date
    input: float = 0
    output: float = 0
    cached_input: float | None = None
    cache_write: float | None = None
    per_request: float = 0
    neurons_per_request: float = 0
    usd_per_1000_neurons: float = 0
    above: tuple[PriceTier, ...] = ()
    #: hours of the day in which it holds, "01:00-04:00"; "": always
    utc: str = ""


@dataclass(frozen=True, slots=True)
class HoldRule:
    """When an experiment stops by itself; None: never for that reason."""

    min_calls: int = 50
    error_rate: float | None = None
    fallback_rate: float | None = None
    p95_ms: float | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms in the order of the file; `share` of each, the rest is `control`."""

    name: str
    route: str
    arms: Mapping[str, str]
    share: Mapping[str, float]
    hold: HoldRule | None = None
    #: why it stands still, by itself or by an operator, and everybody gets `control`; "": it runs
    held: str = ""
    #: callers get `control`, and the share of their calls is asked of the arms afterwards, to compare
    shadow: bool = False
    #: shares of the only arm, one after the other; empty: `share` changes by hand alone
    rollout: tuple[float, ...] = ()
    #: which of them holds now
    step: int = 0


@dataclass(frozen=True, slots=True)
class AiConfig:
    """A whole configuration; `version` 0 is what is built in."""

    version: int = 0
    defaults: Defaults = Defaults()
    providers: Mapping[str, ModelProvider] = field(default_factory=dict)
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    routes: Mapping[str, ModelRoute] = field(default_factory=dict)
    tenants: Mapping[str, TenantRules] = field(default_factory=dict)
    #: by tenant and name
    gateways: Mapping[tuple[str, str], GatewayResource] = field(default_factory=dict)
    budgets: tuple[BudgetRule, ...] = ()
    limits: tuple[LimitRule, ...] = ()
    prices: tuple[PriceRule, ...] = ()
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    @property
    def has_request_prices(self) -> bool:
        """Whether anything costs by the request: operations may, too."""
        return any(rule.per_request or rule.neurons_per_request for rule in self.prices)
