"""Gemini's generateContent as a provider."""

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
from tools.ai_gateway.dialects.conversation.call_ids import new_call_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.exchange import MalformedAnswer, ProviderRequest
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.native.gemini_reader import GeminiReader
from tools.ai_gateway.dialects.native.paths import sent_path
from tools.ai_gateway.dialects.native.whole_answers import look_at_gemini
from tools.ai_gateway.dialects.providers.gemini.generate_body import generate_body
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode
from tools.operation import Json

_REASONS: dict[str, FinishReason] = {
    "STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "filter", "RECITATION": "filter", "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter", "SPII": "filter", "IMAGE_SAFETY": "filter", "LANGUAGE": "filter", "MODEL_ARMOR": "filter",
}  # fmt: skip
#: the model made something that its own side could not read: no answer, another try may bring one
_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"})


class GeminiDialect:
    form: ErrorForm = "gemini"

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        kind = "streamGenerateContent" if conversation.is_stream else "generateContent"
        path = sent_path(target.provider.base_url, model_path(target.model, kind))
        body = encode(generate_body(conversation, target, max_output_tokens))
        return ProviderRequest(path, body, JSON_HEADERS, "alt=sse" if conversation.is_stream else "")

    def answer(self, body: Json) -> ModelAnswer:
        usage, _ = look_at_gemini(body)
        candidates = body.get("candidates") or [{}]
        parts = tuple(_parts(candidates[0]))
        return ModelAnswer(parts, _finish(body, parts), usage, str(body.get("responseId") or ""), str(body.get("modelVersion") or ""))

    def stream(self) -> "GeminiStream":
        return GeminiStream()


def model_path(model: str, kind: str) -> str:
    """Return the path of a model; tuned ones are named with theirs."""
    named = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    return f"/v1beta/{quote(named, safe='/@:')}:{kind}"


def _parts(candidate: dict[str, Json]) -> list[AnswerPart]:
    parts: list[AnswerPart] = []
    for part in (candidate.get("content") or {}).get("parts") or ():
        call, text = part.get("functionCall"), text_in(part.get("text") or "")
        if call is not None:
            arguments = text_of(call.get("args") or {})
            call_id, signature = text_in(call.get("id") or new_call_id()), text_in(part.get("thoughtSignature") or "")
            parts.append(ToolCall(call_id, text_in(call["name"]), arguments, signature))
        elif text:
            parts.append(Thinking(text, origin="gemini") if part.get("thought") else TextPart(text))
        elif "inlineData" in part or "executableCode" in part:
            raise MalformedAnswer(f"a part of {next(iter(part))!r}, which nobody asked for")
    return parts


def _finish(body: dict[str, Json], parts: tuple[AnswerPart, ...]) -> Finish:
    if (body.get("promptFeedback") or {}).get("blockReason"):
        return Finish("filter")
    candidates = body.get("candidates") or [{}]
    said = candidates[0].get("finishReason") or "STOP"
    if said in _BROKEN:
        raise MalformedAnswer(f"the model stopped with {said}")
    reason = _REASONS.get(said, "stop")
    return Finish("tool_calls" if reason == "stop" and any(isinstance(part, ToolCall) for part in parts) else reason)


class GeminiStream(GeminiReader):
    """A ProviderStream; see there."""

    def __init__(self) -> None:
        super().__init__()
        self.finish: Finish | None = None
        self._read: list[StreamEvent] = []
        self._calls: tuple[AnswerPart, ...] = ()
        self._has_begun = False

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        super().look(value, block)
        if self.fault is not None:
            return False
        if not self._has_begun:
            self._has_begun = True
            self._read.append(Began(str(value.get("responseId") or ""), str(value.get("modelVersion") or ""), self.usage))
        for candidate in (value.get("candidates") or ())[:1]:
            for part in _parts(candidate):
                self._take(part)
        if self._is_finished and self.finish is None:
            self.finish = _finish(value, self._calls)
        return False

    def _take(self, part: AnswerPart) -> None:
        if isinstance(part, ToolCall):
            self._calls = (*self._calls, part)
            self._read += [CallBegan(part.id, part.name, part.signature), CallDelta(part.arguments)]
        else:
            self._read.append(TextDelta(part.text) if isinstance(part, TextPart) else ThinkingDelta(part.text, origin="gemini"))

    def take(self) -> list[StreamEvent]:
        read, self._read = self._read, []
        return read
