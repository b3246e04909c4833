"""Bedrock's Converse as a provider; whoever sends the request signs it (SigV4)."""

from urllib.parse import quote

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
from tools.ai_gateway.dialects.native.converse_reader import ConverseReader
from tools.ai_gateway.dialects.providers.bedrock.converse_body import converse_body
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.dialects.usage.other_usage import bedrock_usage
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode
from tools.operation import Json

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop", "stop_sequence": "stop_sequence", "max_tokens": "length", "tool_use": "tool_calls",
    "guardrail_intervened": "filter", "content_filtered": "filter", "model_context_window_exceeded": "context", "refusal": "refusal",
}  # fmt: skip
_BROKEN = frozenset({"malformed_model_output", "malformed_tool_use"})


class BedrockDialect:
    form: ErrorForm = "bedrock"

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        kind = "converse-stream" if conversation.is_stream else "converse"
        path = f"/model/{quote(target.model, safe='')}/{kind}"
        return ProviderRequest(path, encode(converse_body(conversation, target, max_output_tokens)), JSON_HEADERS)

    def answer(self, body: Json) -> ModelAnswer:
        blocks = body["output"]["message"]["content"]
        parts = tuple(part for block in blocks if (part := _part(block)) is not None)
        return ModelAnswer(parts, _finish(body["stopReason"]), bedrock_usage(body.get("usage")))

    def stream(self) -> "ConverseStream":
        return ConverseStream()


def _finish(reason: str) -> Finish:
    if reason in _BROKEN:
        raise MalformedAnswer(f"the model stopped with {reason}")
    return Finish(_REASONS.get(reason, "stop"))


def _part(block: dict[str, Json]) -> AnswerPart | None:
    if "text" in block:
        return TextPart(text_in(block["text"])) if block["text"] else None
    if "toolUse" in block:
        call = block["toolUse"]
        return ToolCall(text_in(call["toolUseId"]), text_in(call["name"]), text_of(call["input"]))
    if "reasoningContent" in block:
        reasoning = block["reasoningContent"]
        if "redactedContent" in reasoning:
            return Thinking(hidden=text_in(reasoning["redactedContent"]), origin="bedrock")
        said = reasoning["reasoningText"]
        return Thinking(text_in(said["text"]), text_in(said.get("signature") or ""), origin="bedrock")
    raise MalformedAnswer(f"a block of {next(iter(block), '')!r}, which nobody asked for")


class ConverseStream(ConverseReader):
    """A ProviderStream; see there."""

    def __init__(self) -> None:
        super().__init__()
        self.finish: Finish | None = None
        self._read: list[StreamEvent] = []

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        super().look(value, block)
        if self.event == "messageStart":
            self._read.append(Began())
        elif self.event == "contentBlockStart" and (call := (value.get("start") or {}).get("toolUse")):
            self._read.append(CallBegan(text_in(call["toolUseId"]), text_in(call["name"])))
        elif self.event == "contentBlockDelta":
            self._read += _delta(value["delta"])
        elif self.event == "messageStop":
            self.finish = _finish(value["stopReason"])
        return False

    def take(self) -> list[StreamEvent]:
        read, self._read = self._read, []
        return read


def _delta(delta: dict[str, Json]) -> list[StreamEvent]:
    if text := delta.get("text"):
        return [TextDelta(text_in(text))]
    if call := delta.get("toolUse"):
        return [CallDelta(text_in(call["input"]))]
    if reasoning := delta.get("reasoningContent"):
        signature, hidden = text_in(reasoning.get("signature") or ""), text_in(reasoning.get("redactedContent") or "")
        return [ThinkingDelta(text_in(reasoning.get("text") or ""), signature, hidden, "bedrock")]
    return []
