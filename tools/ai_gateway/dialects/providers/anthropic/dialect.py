"""Anthropic's messages as a provider."""

from tools.ai_gateway.dialects.conversation.answer import (
    AnswerPart,
    Began,
    CallBegan,
    CallDelta,
    Finish,
    FinishReason,
    ModelAnswer,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
)
from tools.ai_gateway.dialects.conversation.arguments import text_in, text_of
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.exchange import MalformedAnswer, ProviderRequest
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.native.messages_reader import MessagesReader
from tools.ai_gateway.dialects.native.native_exchange import ANTHROPIC_VERSION
from tools.ai_gateway.dialects.native.paths import sent_path
from tools.ai_gateway.dialects.providers.anthropic.message_body import message_body
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.dialects.usage.anthropic_usage import anthropic_usage
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode
from tools.operation import Json

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop", "stop_sequence": "stop_sequence", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "refusal",
    "pause_turn": "pause", "model_context_window_exceeded": "context",
}  # fmt: skip


class AnthropicDialect:
    form: ErrorForm = "anthropic"

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        body = encode(message_body(conversation, target, max_output_tokens))
        return ProviderRequest(sent_path(target.provider.base_url, "/v1/messages"), body, (*JSON_HEADERS, ANTHROPIC_VERSION))

    def answer(self, body: Json) -> ModelAnswer:
        parts = tuple(part for block in body["content"] if (part := _part(block)) is not None)
        return ModelAnswer(
            parts, finish_of(body), anthropic_usage(body.get("usage")), str(body.get("id") or ""), str(body.get("model") or "")
        )

    def stream(self) -> "MessageStream":
        return MessageStream()


def finish_of(said: Json) -> Finish:
    return Finish(REASONS.get(said.get("stop_reason") or "end_turn", "stop"), said.get("stop_sequence"))


def _part(block: dict[str, Json]) -> AnswerPart | None:
    kind = block["type"]
    if kind == "text":
        return TextPart(text_in(block["text"])) if block["text"] else None
    if kind == "tool_use":
        return ToolCall(text_in(block["id"]), text_in(block["name"]), text_of(block["input"]))
    if kind == "thinking":
        return Thinking(text_in(block["thinking"]), text_in(block.get("signature") or ""), origin="anthropic")
    if kind == "redacted_thinking":
        return Thinking(hidden=text_in(block["data"]), origin="anthropic")
    raise MalformedAnswer(f"a block of {kind!r}, which nobody asked for")


class MessageStream(MessagesReader):
    """A ProviderStream; see there."""

    def __init__(self) -> None:
        super().__init__()
        self.finish: Finish | None = None
        self._read: list[StreamEvent] = []

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        super().look(value, block)
        kind = value.get("type")
        if kind == "content_block_delta":
            self._take_delta(value["delta"])
        elif kind == "content_block_start":
            self._take_start(value["content_block"])
        elif kind == "message_start":
            message = value["message"]
            self._read.append(Began(str(message.get("id") or ""), str(message.get("model") or ""), self.usage))
        elif kind == "message_delta" and value["delta"].get("stop_reason"):
            self.finish = finish_of(value["delta"])
        return False

    def _take_start(self, begun: dict[str, Json]) -> None:
        part = _part(begun)
        if isinstance(part, ToolCall):
            self._read.append(CallBegan(part.id, part.name))
            if begun["input"]:
                self._read.append(CallDelta(part.arguments))
        elif isinstance(part, TextPart):
            self._read.append(TextDelta(part.text))
        elif isinstance(part, Thinking) and (part.text or part.hidden or part.signature):
            self._read.append(ThinkingDelta(part.text, part.signature, part.hidden, "anthropic"))

    def _take_delta(self, delta: dict[str, Json]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._read.append(TextDelta(text_in(delta["text"])))
        elif kind == "input_json_delta":
            self._read.append(CallDelta(text_in(delta["partial_json"])))
        elif kind == "thinking_delta":
            self._read.append(ThinkingDelta(text_in(delta["thinking"]), origin="anthropic"))
        elif kind == "signature_delta":
            self._read.append(ThinkingDelta(signature=text_in(delta["signature"]), origin="anthropic"))

    def take(self) -> list[StreamEvent]:
        read, self._read = self._read, []
        return read
