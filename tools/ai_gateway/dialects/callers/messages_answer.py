"""An answer as an Anthropic message, whole and in events."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.ai_gateway.dialects.callers.caller_dialect import Asked
from tools.ai_gateway.dialects.callers.messages_request import read_message_request
from tools.ai_gateway.dialects.callers.seals import sealed
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
from tools.ai_gateway.dialects.conversation.arguments import object_of
from tools.ai_gateway.dialects.conversation.call_ids import new_answer_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm, error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import event as sse
from tools.ai_gateway.dialects.replay.messages_replay import replay_message
from tools.ai_gateway.dialects.usage.reports import estimated, message_report
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import encode
from tools.operation import Json

_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tool_calls": "tool_use", "filter": "refusal",
    "refusal": "refusal", "context": "model_context_window_exceeded", "pause": "pause_turn",
}  # fmt: skip


class MessagesCaller:
    form: ErrorForm = "anthropic"

    def read(self, body: Mapping[str, Json], to: str) -> Conversation:
        return read_message_request(body, to)

    def custom_tools(self, body: Mapping[str, Json]) -> frozenset[str]:
        return frozenset()

    def whole(self, answer: ModelAnswer, asked: Asked, produced_chars: int) -> bytes:
        message = _message(answer.id, answer.model or asked.model, answer.usage or estimated(asked.given_chars, produced_chars))
        message["content"] = [block for part in answer.parts for block in _blocks(part)]
        message |= {"stop_reason": _REASONS[answer.finish.reason], "stop_sequence": answer.finish.stop_sequence}
        return encode(message)

    def stream(self, asked: Asked) -> "MessagesWriter":
        return MessagesWriter(asked)

    def replay(self, body: Json, with_usage: bool) -> Sequence[bytes]:
        return replay_message(body, with_usage)


def _message(answer_id: str, model: str, usage: TokenUsage) -> dict[str, Any]:
    return {
        "id": answer_id if answer_id.startswith("msg_") else new_answer_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": message_report(usage),
    }


def _blocks(part: AnswerPart) -> list[dict[str, Any]]:
    if isinstance(part, TextPart):
        return [{"type": "text", "text": part.text}]
    if isinstance(part, ToolCall):
        call = {"type": "tool_use", "id": part.id, "name": part.name, "input": object_of(part.arguments)}
        return [_signed_thought(part.signature), call] if part.signature else [call]
    if part.hidden:
        return [{"type": "redacted_thinking", "data": _seal(part)}]
    return [{"type": "thinking", "thinking": part.text, "signature": _seal(part)}]


def _signed_thought(signature: str) -> dict[str, Any]:
    """Gemini signs a call, for which Anthropic has no place: a thought before it carries the signature, and clients give it back."""
    return {"type": "thinking", "thinking": "", "signature": sealed(Thinking(signature=signature, origin="gemini"))}


def _seal(thought: Thinking) -> str:
    """Anthropic's own come back as they were; others say whose they are."""
    return thought.hidden or thought.signature if thought.origin == "anthropic" else sealed(thought)


class MessagesWriter:
    """A CallerStream; see there. Blocks stand one behind the other, each begun and ended."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        #: type of the block that is open; "" for none
        self._open = ""
        self._index = -1

    @property
    def terminal(self) -> bytes:
        return _event("message_stop")

    def write(self, event: StreamEvent) -> Sequence[bytes]:
        if isinstance(event, TextDelta):
            return [*self._begin("text", {"type": "text", "text": ""}), self._delta(type="text_delta", text=event.text)]
        if isinstance(event, CallDelta):
            return [self._delta(type="input_json_delta", partial_json=event.arguments)] if event.arguments else []
        if isinstance(event, ThinkingDelta):
            return self._thinking(event)
        if isinstance(event, CallBegan):
            events = self._whole(_signed_thought(event.signature)) if event.signature else []
            begun = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            return [*events, *self._begin("tool_use", begun)]
        return [_event("message_start", message=self._message(event))]

    def _message(self, began: Began) -> dict[str, Any]:
        # Clients count by this event: nought would stand for an empty prompt, and the true number comes at the end.
        usage = began.usage or estimated(self._asked.given_chars, 0)
        return _message(began.id, began.model or self._asked.model, usage)

    def _thinking(self, event: ThinkingDelta) -> list[bytes]:
        if event.hidden:
            seal = _seal(Thinking(hidden=event.hidden, origin=event.origin))
            return [*self._begin("redacted_thinking", {"type": "redacted_thinking", "data": seal}), *self._end()]
        events = self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            events.append(self._delta(type="thinking_delta", thinking=event.text))
        if event.signature:
            seal = _seal(Thinking(signature=event.signature, origin=event.origin))
            events += [self._delta(type="signature_delta", signature=seal), *self._end()]
        return events

    def _whole(self, thought: dict[str, Any]) -> list[bytes]:
        begun = self._begin("thinking", {**thought, "signature": ""})
        return [*begun, self._delta(type="signature_delta", signature=thought["signature"]), *self._end()]

    def _begin(self, kind: str, block: dict[str, Any]) -> list[bytes]:
        if self._open == kind and kind != "tool_use":
            return []
        events = self._end()
        self._open = kind
        self._index += 1
        return [*events, _event("content_block_start", index=self._index, content_block=block)]

    def _end(self) -> list[bytes]:
        is_open, self._open = bool(self._open), ""
        return [_event("content_block_stop", index=self._index)] if is_open else []

    def _delta(self, **delta: Json) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)

    def close(self, finish: Finish, usage: TokenUsage | None, produced_chars: int) -> Sequence[bytes]:
        delta = {"stop_reason": _REASONS[finish.reason], "stop_sequence": finish.stop_sequence}
        report = message_report(usage or estimated(self._asked.given_chars, produced_chars))
        return [*self._end(), _event("message_delta", delta=delta, usage=report)]

    def interruption(self, status: int, said: ErrorText) -> bytes:
        return sse(error_body("anthropic", status, said), "error")


def _event(kind: str, **members: Json) -> bytes:
    return sse(encode({"type": kind, **members}), kind)
