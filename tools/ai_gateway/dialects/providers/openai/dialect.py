"""OpenAI's chat completions as a provider."""

from tools.ai_gateway.dialects.conversation.answer import AnswerPart, Finish, ModelAnswer, StreamEvent
from tools.ai_gateway.dialects.conversation.arguments import text_in
from tools.ai_gateway.dialects.conversation.call_ids import new_call_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.exchange import ProviderRequest
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.native.chat_reader import ChatReader
from tools.ai_gateway.dialects.native.whole_answers import look_at_chat
from tools.ai_gateway.dialects.providers.openai.chat_body import chat_body
from tools.ai_gateway.dialects.providers.openai.chat_events import REASONS, ChatEvents
from tools.ai_gateway.dialects.providers.provider_dialect import JSON_HEADERS
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode
from tools.operation import Json


class OpenAiDialect:
    form: ErrorForm = "openai"

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        return ProviderRequest("/chat/completions", encode(chat_body(conversation, target, max_output_tokens)), JSON_HEADERS)

    def answer(self, body: Json) -> ModelAnswer:
        return read_completion(body)

    def stream(self) -> "ChatStream":
        return ChatStream()


class ChatStream(ChatReader):
    """A ProviderStream; see there."""

    def __init__(self) -> None:
        super().__init__(keeps_usage=True)
        self._chat = ChatEvents()
        self._read: list[StreamEvent] = []

    @property
    def finish(self) -> Finish | None:
        return self._chat.finish

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        super().look(value, block)
        if self.fault is None:
            self._read += self._chat.read(value)
        return False

    def take(self) -> list[StreamEvent]:
        read, self._read = self._read, []
        return read


def read_completion(body: Json) -> ModelAnswer:
    """Read a whole chat completion; of several choices the first, as nobody asked for more."""
    usage, _ = look_at_chat(body)
    choice = body["choices"][0]
    message = choice["message"]
    parts: list[AnswerPart] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        parts.append(Thinking(thought))
    parts += [TextPart(message[name]) for name in ("content", "refusal") if isinstance(message.get(name), str) and message[name]]
    for call in message.get("tool_calls") or ():
        made = call["function"]
        arguments = made.get("arguments")
        # Some answer with an object where text belongs.
        text = arguments if isinstance(arguments, str) else encode(arguments or {}).decode()
        parts.append(ToolCall(text_in(call.get("id") or new_call_id()), text_in(made["name"]), text))
    reason = REASONS.get(choice.get("finish_reason") or "stop", "stop")
    if reason == "stop" and message.get("tool_calls"):
        reason = "tool_calls"
    if message.get("refusal"):
        reason = "refusal"
    return ModelAnswer(tuple(parts), Finish(reason), usage, str(body.get("id") or ""), str(body.get("model") or ""))
