"""An answer as a chat completion, whole and in chunks."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tools.ai_gateway.dialects.callers.caller_dialect import Asked
from tools.ai_gateway.dialects.callers.chat_request import read_chat
from tools.ai_gateway.dialects.callers.seals import sealed
from tools.ai_gateway.dialects.conversation.answer import (
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
from tools.ai_gateway.dialects.conversation.call_ids import new_answer_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.conversation.custom_calls import custom_names
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm, error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import event as sse
from tools.ai_gateway.dialects.native.chat_reader import DONE
from tools.ai_gateway.dialects.replay.chat_replay import replay_chat
from tools.ai_gateway.dialects.usage.reports import chat_report
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import encode
from tools.operation import Json

_REASONS: dict[FinishReason, str] = {
    "stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls", "filter": "content_filter",
    "refusal": "content_filter", "context": "length", "pause": "stop",
}  # fmt: skip


class ChatCaller:
    form: ErrorForm = "openai"

    def read(self, body: Mapping[str, Json], to: str) -> Conversation:
        return read_chat(body, to)

    def custom_tools(self, body: Mapping[str, Json]) -> frozenset[str]:
        return custom_names(body)

    def whole(self, answer: ModelAnswer, asked: Asked, produced_chars: int) -> bytes:
        text = "".join(part.text for part in answer.parts if isinstance(part, TextPart))
        calls = [part for part in answer.parts if isinstance(part, ToolCall)]
        thoughts = [part for part in answer.parts if isinstance(part, Thinking)]
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
        if said := "".join(thought.text for thought in thoughts):
            message["reasoning_content"] = said
        if details := [_detail(thought, number) for number, thought in enumerate(thoughts) if sealed(thought)]:
            message["reasoning_details"] = details
        if calls:
            message["tool_calls"] = [_call(call) for call in calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _REASONS[answer.finish.reason]}
        body = {**_shared(answer.id, answer.model or asked.model), "object": "chat.completion", "choices": [choice]}
        return encode(body | ({"usage": chat_report(answer.usage)} if answer.usage else {}))

    def stream(self, asked: Asked) -> "ChatWriter":
        options = asked.body.get("stream_options")
        return ChatWriter(asked.model, isinstance(options, dict) and options.get("include_usage") is True)

    def replay(self, body: Json, with_usage: bool) -> Sequence[bytes]:
        return replay_chat(body, with_usage)


def _shared(answer_id: str, model: str) -> dict[str, Any]:
    return {"id": answer_id or new_answer_id("chatcmpl-"), "created": int(time.time()), "model": model}


def _detail(thought: Thinking, index: int) -> dict[str, Any]:
    """A thought that has to come back, as OpenRouter's clients keep it."""
    if thought.hidden:
        return {"type": "reasoning.encrypted", "data": sealed(thought), "index": index}
    return {"type": "reasoning.text", "text": thought.text, "signature": sealed(thought), "index": index}


def _call(call: ToolCall) -> dict[str, Any]:
    if call.is_custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    made: dict[str, Any] = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return made | _extra(call.signature)


def _extra(signature: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}


class ChatWriter:
    """A CallerStream; see there."""

    def __init__(self, model: str, with_usage: bool) -> None:
        self._shared = _shared("", model)
        self._with_usage = with_usage
        self._calls = 0
        self._is_custom = False
        self._thought = ""
        self._thoughts = 0

    @property
    def terminal(self) -> bytes:
        return DONE

    def write(self, event: StreamEvent) -> Sequence[bytes]:
        if isinstance(event, TextDelta):
            return [self._chunk({"content": event.text})]
        if isinstance(event, CallDelta):
            made = {"custom": {"input": event.arguments}} if self._is_custom else {"function": {"arguments": event.arguments}}
            return [self._chunk({"tool_calls": [{"index": self._calls - 1, **made}]})]
        if isinstance(event, CallBegan):
            self._calls += 1
            self._is_custom = event.is_custom
            call = _call(ToolCall(event.id, event.name, "", event.signature, event.is_custom))
            return [self._chunk({"tool_calls": [{"index": self._calls - 1, **call}]})]
        if isinstance(event, Began):
            self._shared |= {name: value for name, value in (("id", event.id), ("model", event.model)) if value}
            return [self._chunk({"role": "assistant", "content": ""})]
        return self._thinking(event)

    def _thinking(self, event: ThinkingDelta) -> list[bytes]:
        chunks = [self._chunk({"reasoning_content": event.text})] if event.text else []
        self._thought += event.text
        if event.signature or event.hidden:
            whole = Thinking(self._thought, event.signature, event.hidden, event.origin)
            chunks.append(self._chunk({"reasoning_details": [_detail(whole, self._thoughts)]}))
            self._thought = ""
            self._thoughts += 1
        return chunks

    def close(self, finish: Finish, usage: TokenUsage | None, produced_chars: int) -> Sequence[bytes]:
        chunks = [self._chunk({}, _REASONS[finish.reason])]
        if self._with_usage and usage is not None:
            chunks.append(sse(encode({**self._shared, "object": "chat.completion.chunk", "choices": [], "usage": chat_report(usage)})))
        return chunks

    def interruption(self, status: int, said: ErrorText) -> bytes:
        return sse(error_body("openai", status, said))

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        more = {"usage": None} if self._with_usage else {}
        return sse(encode({**self._shared, "object": "chat.completion.chunk", "choices": [choice], **more}))
