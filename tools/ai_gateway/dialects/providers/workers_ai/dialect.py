"""Workers AI's /ai/run as a provider of text."""

from typing import Any
from urllib.parse import quote

from tools.ai_gateway.dialects.conversation.answer import (
    AnswerPart,
    Began,
    CallBegan,
    CallDelta,
    Finish,
    ModelAnswer,
    StreamEvent,
    TextDelta,
)
from tools.ai_gateway.dialects.conversation.arguments import text_in, text_of
from tools.ai_gateway.dialects.conversation.call_ids import new_call_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, ToolCall
from tools.ai_gateway.dialects.exchange import MalformedAnswer, ProviderRequest
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.native.whole_answers import look_at_workers
from tools.ai_gateway.dialects.native.workers_reader import WorkersReader
from tools.ai_gateway.dialects.providers.openai.chat_events import ChatEvents
from tools.ai_gateway.dialects.providers.openai.dialect import read_completion
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.dialects.providers.workers_ai.run_body import run_body
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode
from tools.operation import Json


class WorkersAiDialect:
    form: ErrorForm = "workers_ai"

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        return ProviderRequest(run_path(target.model), encode(run_body(conversation, target, max_output_tokens)), JSON_HEADERS)

    def answer(self, body: Json) -> ModelAnswer:
        result = body["result"]
        if "choices" in result:  # Newer models answer as OpenAI's do.
            return read_completion(result)
        usage, _ = look_at_workers(body)
        said = result.get("response")
        if said is None and "tool_calls" not in result:
            raise MalformedAnswer("a result without a response")
        # Where JSON was asked for, some models answer with the object itself.
        parts: list[AnswerPart] = [TextPart(text)] if (text := said if isinstance(said, str) else text_of(said) if said else "") else []
        parts += [_call(call) for call in result.get("tool_calls") or ()]
        return ModelAnswer(tuple(parts), _finish(parts), usage)

    def stream(self) -> "RunStream":
        return RunStream()


def run_path(model: str) -> str:
    return f"/ai/run/{quote(model, safe='/@:')}"


def _call(call: dict[str, Any]) -> ToolCall:
    made = call.get("function") or call
    return ToolCall(text_in(call.get("id") or new_call_id()), text_in(made["name"]), text_of(made.get("arguments") or {}))


def _finish(parts: list[AnswerPart]) -> Finish:
    return Finish("tool_calls" if any(isinstance(part, ToolCall) for part in parts) else "stop")


class RunStream(WorkersReader):
    """A ProviderStream; see there."""

    def __init__(self) -> None:
        super().__init__()
        self._chat = ChatEvents()
        self._read: list[StreamEvent] = []
        self._has_begun = False
        self._calls: list[AnswerPart] = []

    @property
    def finish(self) -> Finish | None:
        return self._chat.finish or (_finish(self._calls) if self._is_finished else None)

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        super().look(value, block)
        if self.fault is not None:
            return False
        if "choices" in value:
            self._has_begun = True
            self._read += self._chat.read(value)
            return False
        if not self._has_begun:
            self._has_begun = True
            self._read.append(Began())
        said = value.get("response")
        if isinstance(said, str) and said:
            self._read.append(TextDelta(said))
        for call in value.get("tool_calls") or ():
            made = _call(call)
            self._calls.append(made)
            self._read += [CallBegan(made.id, made.name), CallDelta(made.arguments)]
        return False

    def take(self) -> list[StreamEvent]:
        read, self._read = self._read, []
        return read
