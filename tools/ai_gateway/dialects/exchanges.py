"""Which exchange puts a surface to a provider."""

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.callers.caller_dialect import CallerDialect
from tools.ai_gateway.dialects.callers.chat_answer import ChatCaller
from tools.ai_gateway.dialects.callers.messages_answer import MessagesCaller
from tools.ai_gateway.dialects.callers.responses_answer import ResponsesCaller
from tools.ai_gateway.dialects.exchange import DialectExchange, ProviderFault
from tools.ai_gateway.dialects.faults.error_text import read_error
from tools.ai_gateway.dialects.native.apis import BY_SURFACE
from tools.ai_gateway.dialects.native.native_exchange import NativeExchange
from tools.ai_gateway.dialects.native.paths import read_path
from tools.ai_gateway.dialects.native.responses_reader import failed_event
from tools.ai_gateway.dialects.providers.anthropic.dialect import AnthropicDialect
from tools.ai_gateway.dialects.providers.bedrock.dialect import BedrockDialect
from tools.ai_gateway.dialects.providers.gemini.dialect import GeminiDialect
from tools.ai_gateway.dialects.providers.openai.dialect import OpenAiDialect
from tools.ai_gateway.dialects.providers.provider_dialect import ProviderDialect
from tools.ai_gateway.dialects.providers.workers_ai.dialect import WorkersAiDialect
from tools.ai_gateway.dialects.translation import vectors
from tools.ai_gateway.dialects.translation.translated_exchange import TranslatedExchange
from tools.ai_gateway.model_request import ModelRequest, Surface
from tools.ai_gateway.refusals import unsupported

_CALLERS: dict[Surface, CallerDialect] = {"chat": ChatCaller(), "responses": ResponsesCaller(), "messages": MessagesCaller()}
_PROVIDERS: dict[Dialect, ProviderDialect] = {
    "openai": OpenAiDialect(),
    "anthropic": AnthropicDialect(),
    "gemini": GeminiDialect(),
    "bedrock": BedrockDialect(),
    "workers_ai": WorkersAiDialect(),
}
_BINARY = ("/converse-stream", "/invoke-with-response-stream")
#: of providers that speak OpenAI's dialect, but know chat alone
_RESPONSES_AS_CHAT = TranslatedExchange(_CALLERS["responses"], _PROVIDERS["openai"])
_EXCHANGES: dict[tuple[Surface, Dialect], DialectExchange] = {
    **{
        (surface, dialect): TranslatedExchange(caller, provider)
        for surface, caller in _CALLERS.items()
        for dialect, provider in _PROVIDERS.items()
    },
    ("embeddings", "gemini"): vectors.GEMINI_EMBEDDINGS,
    ("embeddings", "workers_ai"): vectors.WORKERS_EMBEDDINGS,
    ("embeddings", "bedrock"): vectors.BEDROCK_EMBEDDINGS,
    ("rerank", "workers_ai"): vectors.WORKERS_RERANK,
    # Within a dialect bytes pass.
    **{(surface, dialect): NativeExchange(dialect, api) for (surface, dialect), api in BY_SURFACE.items()},
    **{("native", dialect): NativeExchange(dialect) for dialect in _PROVIDERS},
}


def exchange_of(surface: Surface, provider: ModelProvider) -> DialectExchange:
    """Return the exchange; it keeps nothing, so that all calls share it. Raises ModelCallRefused (`unsupported`) where there is none."""
    if surface == "responses" and provider.dialect == "openai" and not provider.has_responses:
        return _RESPONSES_AS_CHAT
    exchange = _EXCHANGES.get((surface, provider.dialect))
    if exchange is None:
        raise unsupported(surface, provider.name)
    return exchange


def exchange_for_caller(surface: Surface, dialect: Dialect = "openai") -> DialectExchange:
    """Return an exchange that speaks a surface's own dialect, for what the gateway itself says; `dialect` counts for `native` alone."""
    if surface != "native":
        dialect = "anthropic" if surface in ("messages", "count_tokens") else "openai"
    return _EXCHANGES[surface, dialect]


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
    """Return the events by which a refusal is told inside a stream that was asked for; None: it is told by its status.

    Codex learns of an overlong prompt from `response.failed` alone, as OpenAI's own responses tell it, and then makes it shorter.
    """
    if surface != "responses" or fault.kind != "context":
        return None
    return failed_event(read_error(fault.body).message, "context_length_exceeded", {}, 0)
