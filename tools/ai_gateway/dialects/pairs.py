"""Every surface with every provider: the exchange that puts the one to the other.

Loaded when the first model is called, by `exchanges.py` alone: a gateway without models needs no word of it.
"""

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.callers.caller_dialect import CallerDialect
from tools.ai_gateway.dialects.callers.chat_answer import ChatCaller
from tools.ai_gateway.dialects.callers.messages_answer import MessagesCaller
from tools.ai_gateway.dialects.callers.responses_answer import ResponsesCaller
from tools.ai_gateway.dialects.exchange import DialectExchange, ProviderFault
from tools.ai_gateway.dialects.faults.error_text import read_error
from tools.ai_gateway.dialects.native.apis import BY_SURFACE
from tools.ai_gateway.dialects.native.native_exchange import NativeExchange
from tools.ai_gateway.dialects.native.responses_reader import failed_event
from tools.ai_gateway.dialects.providers.anthropic.dialect import AnthropicDialect
from tools.ai_gateway.dialects.providers.bedrock.dialect import BedrockDialect
from tools.ai_gateway.dialects.providers.gemini.dialect import GeminiDialect
from tools.ai_gateway.dialects.providers.openai.dialect import OpenAiDialect
from tools.ai_gateway.dialects.providers.provider_dialect import ProviderDialect
from tools.ai_gateway.dialects.providers.workers_ai.dialect import WorkersAiDialect
from tools.ai_gateway.dialects.replay.assembled import assembled
from tools.ai_gateway.dialects.translation import vectors
from tools.ai_gateway.dialects.translation.translated_exchange import TranslatedExchange
from tools.ai_gateway.model_request import Surface

__all__ = ["assembled", "exchange_between", "told_in_stream"]

_CALLERS: dict[Surface, CallerDialect] = {"chat": ChatCaller(), "responses": ResponsesCaller(), "messages": MessagesCaller()}
_PROVIDERS: dict[Dialect, ProviderDialect] = {
    "openai": OpenAiDialect(),
    "anthropic": AnthropicDialect(),
    "gemini": GeminiDialect(),
    "bedrock": BedrockDialect(),
    "workers_ai": WorkersAiDialect(),
}
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


def exchange_between(surface: Surface, provider: ModelProvider) -> DialectExchange | None:
    """Return the exchange, which all calls share, or None where there is none."""
    if surface == "responses" and provider.dialect == "openai" and not provider.has_responses:
        return _RESPONSES_AS_CHAT
    return _EXCHANGES.get((surface, provider.dialect))


def told_in_stream(surface: Surface, fault: ProviderFault) -> bytes | None:
    """Return the events by which a refusal is told inside a stream that was asked for; None: it is told by its status.

    Codex learns of an overlong prompt from `response.failed` alone, as OpenAI's own responses tell it, and then makes it shorter.
    """
    if surface != "responses" or fault.kind != "context":
        return None
    return failed_event(read_error(fault.body).message, "context_length_exceeded", {}, 0)
