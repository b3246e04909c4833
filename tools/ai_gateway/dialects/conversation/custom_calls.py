"""Calls of custom tools: any text for the caller, one argument of JSON for every provider but OpenAI's own."""

from dataclasses import replace

from tools.ai_gateway.dialects.conversation.answer import Answer, CallBegan, CallDelta, StreamEvent
from tools.ai_gateway.dialects.conversation.arguments import object_of
from tools.ai_gateway.dialects.conversation.conversation import Conversation, ToolCall


def with_custom_calls(answer: Answer, conversation: Conversation) -> Answer:
    """Return an answer in which calls of custom tools hold their text."""
    parts = tuple(
        replace(part, arguments=_input_of(part.arguments), is_custom=True)
        if isinstance(part, ToolCall) and conversation.is_custom(part.name)
        else part
        for part in answer.parts
    )
    return replace(answer, parts=parts)


class CustomCalls:
    """The same for a stream: such a call is held back until it is whole, as its text is within JSON until then."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._held: CallBegan | None = None
        self._pieces: list[str] = []

    def pass_on(self, event: StreamEvent) -> list[StreamEvent]:
        if self._held is not None and isinstance(event, CallDelta):
            self._pieces.append(event.arguments)
            return []
        before = self.rest()
        if isinstance(event, CallBegan) and self._conversation.is_custom(event.name):
            self._held = event
            return before
        return [*before, event]

    def rest(self) -> list[StreamEvent]:
        """Return what was held back: nothing more of it comes."""
        held, self._held = self._held, None
        if held is None:
            return []
        text = _input_of("".join(self._pieces))
        self._pieces.clear()
        return [replace(held, is_custom=True), CallDelta(text)]


def _input_of(arguments: str) -> str:
    said = object_of(arguments).get("input")
    return said if isinstance(said, str) else arguments
