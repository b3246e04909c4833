"""The endpoints that calls pass to, by the surface that they came to or by their own path."""

from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchange import StreamReader
from tools.ai_gateway.dialects.native import whole_answers as whole
from tools.ai_gateway.dialects.native.chat_reader import ChatReader
from tools.ai_gateway.dialects.native.converse_reader import ConverseReader
from tools.ai_gateway.dialects.native.gemini_reader import GeminiReader
from tools.ai_gateway.dialects.native.invoke_reader import InvokeReader
from tools.ai_gateway.dialects.native.messages_reader import MessagesReader
from tools.ai_gateway.dialects.native.native_api import NativeApi
from tools.ai_gateway.dialects.native.opaque_reader import OpaqueReader
from tools.ai_gateway.dialects.native.passing_reader import PassingReader
from tools.ai_gateway.dialects.native.responses_reader import ResponsesReader
from tools.ai_gateway.dialects.native.workers_reader import WorkersReader
from tools.ai_gateway.dialects.replay.chat_replay import replay_chat
from tools.ai_gateway.dialects.replay.messages_replay import replay_message
from tools.ai_gateway.dialects.replay.responses_replay import replay_response
from tools.ai_gateway.model_request import Surface


def _picturing(reader: PassingReader) -> StreamReader:
    """Return the reader of an endpoint that answers with pictures, too."""
    reader.is_blind_to_pictures = True
    return reader


CHAT = NativeApi(
    "/chat/completions",
    whole.look_at_chat,
    lambda keeps_usage: _picturing(ChatReader(keeps_usage)),
    replay_chat,
    asks_usage=True,
    maximum="max_tokens",
)
RESPONSES = NativeApi(
    "/responses", whole.look_at_response, lambda _: _picturing(ResponsesReader()), replay_response, maximum="max_output_tokens"
)
EMBEDDINGS = NativeApi("/embeddings", whole.look_at_embeddings)
RERANK = NativeApi("/rerank", whole.look_at_rerank)
MESSAGES = NativeApi("/v1/messages", whole.look_at_message, lambda _: MessagesReader(), replay_message, maximum="max_tokens")
COUNT_TOKENS = NativeApi("/v1/messages/count_tokens", whole.look_at_count)
OPAQUE = NativeApi("", whole.look_at_anything, lambda _: OpaqueReader(), names_model=False)

BY_SURFACE: dict[tuple[Surface, Dialect], NativeApi] = {
    ("chat", "openai"): CHAT,
    ("responses", "openai"): RESPONSES,
    ("embeddings", "openai"): EMBEDDINGS,
    ("rerank", "openai"): RERANK,
    ("messages", "anthropic"): MESSAGES,
    ("count_tokens", "anthropic"): COUNT_TOKENS,
}

_GEMINI = NativeApi(
    "", whole.look_at_gemini, lambda _: _picturing(GeminiReader()), names_model=False, maximum="generationConfig.maxOutputTokens"
)
_CONVERSE = NativeApi("", whole.look_at_converse, lambda _: ConverseReader(), names_model=False, maximum="inferenceConfig.maxTokens")

#: last word of a known path (see `NativePath`) -> endpoint
BY_KIND: dict[str, NativeApi] = {
    "chat/completions": CHAT,
    "responses": RESPONSES,
    "embeddings": EMBEDDINGS,
    "rerank": RERANK,
    "messages": MESSAGES,
    "messages/count_tokens": COUNT_TOKENS,
    "generateContent": _GEMINI,
    "streamGenerateContent": _GEMINI,
    "converse": _CONVERSE,
    "converse-stream": _CONVERSE,
    "invoke": NativeApi("", whole.look_at_anything, names_model=False, is_makers=True),
    "invoke-with-response-stream": NativeApi("", whole.look_at_anything, lambda _: InvokeReader(), names_model=False, is_makers=True),
    # Models for texts, pictures and vectors alike; where texts are made, it is 256 tokens unless the body says more.
    "run": NativeApi("", whole.look_at_workers, lambda _: _picturing(WorkersReader()), names_model=False),
}
