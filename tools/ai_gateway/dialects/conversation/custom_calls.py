"""Calls of custom tools: any text for the caller, one argument of JSON for every provider but OpenAI's own."""

from collections.abc import Mapping
from dataclasses import replace

from tools.ai_gateway.dialects.conversation.answer import CallBegan, CallDelta, ModelAnswer, StreamEvent
from tools.ai_gateway.dialects.conversation.arguments import object_of
from tools.ai_gateway.dialects.conversation.conversation import ToolCall
from tools.operation import Json


def custom_names(body: Mapping[str, Json]) -> frozenset[str]:
    """Return the custom tools that a request of OpenAI's dialects names; chat nests them, responses do not."""
    tools = body.get("tools")
    customs = [tool for tool in tools if isinstance(tool, dict) and tool.get("type") == "custom"] if isinstance(tools, list) else []
    described = [tool["custom"] if isinstance(tool.get("custom"), dict) else tool for tool in customs]
    return frozenset(name for tool in described if isinstance(name := tool.get("name"), str))


def with_custom_calls(answer: ModelAnswer, names: frozenset[str]) -> ModelAnswer:
    """Return an answer in which calls of these custom tools hold their text."""
    if not names:
        return answer
    parts = tuple(
        replace(part, arguments=_input_of(part.arguments), is_custom=True) if isinstance(part, ToolCall) and part.name in names else part
        for part in answer.parts
    )
    return replace(answer, parts=parts)


class CustomCalls:
    """The same for a stream: such a call is held back until it is whole, as its text is within JSON until then."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._held: CallBegan | None = None
        self._pieces: list[str] = []

    def pass_on(self, event: StreamEvent) -> list[StreamEvent]:
        if self._held is not None and isinstance(event, CallDelta):
            self._pieces.append(event.arguments)
            return []
        before = self.rest()
        if isinstance(event, CallBegan) and event.name in self._names:
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
