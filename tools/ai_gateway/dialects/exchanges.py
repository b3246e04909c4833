"""Which exchange puts a surface to a provider."""

from functools import cache
from importlib import import_module
from types import ModuleType

import anyio
import anyio.to_thread

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.exchange import DialectExchange, ProviderFault
from tools.ai_gateway.dialects.native.paths import read_path
from tools.ai_gateway.model_request import ModelRequest, Surface
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.token_usage import TokenUsage

_BINARY = ("/converse-stream", "/invoke-with-response-stream")


def exchange_of(surface: Surface, provider: ModelProvider) -> DialectExchange:
    """Return the exchange; it keeps nothing, so that all calls share it. Raises ModelCallRefused (`unsupported`) where there is none."""
    exchange: DialectExchange | None = _pairs().exchange_between(surface, provider)
    if exchange is None:
        raise unsupported(surface, provider.name)
    return exchange


def exchange_for_caller(surface: Surface, dialect: Dialect = "openai") -> DialectExchange:
    """Return an exchange that speaks a surface's own dialect, for what the gateway itself says; `dialect` counts for `native` alone."""
    if surface != "native":
        dialect = "anthropic" if surface in ("messages", "count_tokens") else "openai"
    return exchange_of(surface, ModelProvider("", dialect, ""))


def is_native_stream(dialect: Dialect, path: str, query: str = "alt=sse") -> bool:
    """Say whether a path of a provider's own API alone asks for a stream of events; Gemini sends one JSON without alt=sse."""
    return read_path(dialect, path).is_stream and (dialect != "gemini" or "alt=sse" in query)


def is_binary_stream(request: ModelRequest) -> bool:
    """Say whether the stream of a provider's own API has a framing of bytes."""
    return request.surface == "native" and request.native_path.rstrip("/").endswith(_BINARY)


def takes_comments(request: ModelRequest) -> bool:
    """Say whether a comment or a ping may stand between the events of a stream.

    In a framing of bytes it would be a message with a wrong checksum, and Google's SDK takes every line for JSON.
    """
    return request.surface != "native" or not request.native_path.rstrip("/").endswith((*_BINARY, ":streamGenerateContent"))


def told_in_stream(surface: Surface, fault: ProviderFault) -> bytes | None:
    """Return the events by which a refusal is told inside a stream that was asked for; None: it is told by its status."""
    told: bytes | None = _pairs().told_in_stream(surface, fault)
    return told


def assembled(surface: Surface, events: bytes, terminal: bytes, usage: TokenUsage) -> bytes | None:
    """Return the whole answer of a complete stream, as `dialects.replay.assembled` makes it; None where there is none."""
    whole: bytes | None = _pairs().assembled(surface, events, terminal, usage)
    return whole


async def exchanges_loaded() -> None:
    """Have what calls need; loading it, the first time, does not hold the loop."""
    if not _pairs.cache_info().currsize:
        await anyio.to_thread.run_sync(_pairs)


@cache
def _pairs() -> ModuleType:
    """Load every dialect: 70 modules, of which a gateway without models needs none."""
    return import_module("tools.ai_gateway.dialects.pairs")
