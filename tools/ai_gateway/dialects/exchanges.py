"""Which exchange puts a surface to a provider."""

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.exchange import Exchange
from tools.ai_gateway.dialects.native.apis import BY_SURFACE
from tools.ai_gateway.dialects.native.native_exchange import NativeExchange
from tools.ai_gateway.dialects.native.paths import read_path
from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.refusals import unsupported

_DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic", "gemini", "bedrock", "workers_ai")
_EXCHANGES: dict[tuple[Surface, Dialect], Exchange] = {
    **{(surface, dialect): NativeExchange(dialect, api) for (surface, dialect), api in BY_SURFACE.items()},
    **{("native", dialect): NativeExchange(dialect) for dialect in _DIALECTS},
}


def exchange_of(surface: Surface, provider: ModelProvider) -> Exchange:
    """Return the exchange; it keeps nothing, so that all calls share it. Raises ModelCallRefused (`unsupported`) where there is none."""
    exchange = _EXCHANGES.get((surface, provider.dialect))
    if exchange is None or (surface == "responses" and not provider.has_responses):
        raise unsupported(surface, provider.name)
    return exchange


def exchange_for_caller(surface: Surface, dialect: Dialect = "openai") -> Exchange:
    """Return an exchange that speaks a surface's own dialect, for what the gateway itself says; `dialect` counts for `native` alone."""
    if surface != "native":
        dialect = "anthropic" if surface in ("messages", "count_tokens") else "openai"
    return _EXCHANGES[surface, dialect]


def is_native_stream(dialect: Dialect, path: str) -> bool:
    """Say whether a path of a provider's own API alone asks for a stream."""
    return read_path(dialect, path).is_stream
