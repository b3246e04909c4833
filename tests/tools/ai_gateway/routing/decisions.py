"""What the tests of the decision share: a router over a document, and requests of few words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.config import AiConfig, Dialect
from tools.ai_gateway.configuration.read_document import read_document
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.routing.router import Router
from tools.operation import Json

TODAY = date(2026, 11, 27)
CALLER = ModelCaller("acme", key_id="k1", key_name="laptop")
PROVIDERS = {
    name: {"dialect": dialect, "base_url": f"https://{name}.example/v1"}
    for name, dialect in (("oai", "openai"), ("oai-2", "openai"), ("ant", "anthropic"), ("gem", "gemini"))
}


@dataclass
class Standings:
    """A Standing that says what it was told, by target name."""

    prices: Mapping[str, float] = field(default_factory=dict)
    latencies: Mapping[str, float] = field(default_factory=dict)

    def latency_ms(self, target: ModelTarget) -> float | None:
        return self.latencies.get(target.name)

    def price(self, target: ModelTarget) -> float | None:
        return self.prices.get(target.name)


def config_of(document: Mapping[str, Json]) -> AiConfig:
    return build_config(read_document({**document, "providers": PROVIDERS | document.get("providers", {})}))


def router_of(
    document: Mapping[str, Json],
    *,
    environment: str = "",
    standing: Standings | None = None,
    today: date = TODAY,
    chance: Callable[[], float] | None = None,
) -> Router:
    config = config_of(document)
    more = {} if chance is None else {"chance": chance}
    return Router(lambda: config, standing or Standings(), environment, today=lambda: today, **more)


def asking(model: str = "", caller: ModelCaller = CALLER, text: str = "hello", **wishes: Json) -> ModelRequest:
    """Return a chat request; `wishes` are those of its headers."""
    body = {"messages": [{"role": "user", "content": text}]} | ({"model": model} if model else {})
    return ModelRequest("chat", b"{}", body, caller, Wishes(**wishes))


def decide(router: Router, request: ModelRequest, needs: frozenset[str] = frozenset(), tokens: int = 10) -> Decision:
    def needs_of(_dialect: Dialect) -> frozenset[str]:
        return needs

    return router.decide(request, needs_of, tokens)


def names(decision: Decision) -> list[str]:
    return [target.name for target in decision.targets]
