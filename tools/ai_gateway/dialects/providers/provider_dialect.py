"""What a translated call needs of a provider's dialect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tools.ai_gateway.dialects.conversation.answer import Finish, ModelAnswer, StreamEvent
from tools.ai_gateway.dialects.conversation.conversation import Conversation, Part, Role, TextPart, Tool, ToolCall, ToolResult
from tools.ai_gateway.dialects.exchange import ProviderFault, ProviderRequest
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json

JSON_HEADERS = (("content-type", "application/json"),)
#: a custom tool takes any text; where all arguments are JSON it is their one member
CUSTOM_SCHEMA: dict[str, Json] = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
#: members of a schema that hold values and no schemas
_VALUES = frozenset({"const", "default", "enum", "examples"})


class ProviderStream(Protocol):
    """Reads a provider's stream; as StreamReader, but what it returns is left aside for `take`."""

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None before it did."""
        ...

    @property
    def has_content(self) -> bool: ...
    @property
    def is_complete(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def fault(self) -> ProviderFault | None: ...
    @property
    def usage(self) -> TokenUsage | None: ...
    @property
    def produced_chars(self) -> int: ...
    def feed(self, data: bytes) -> Sequence[bytes]: ...
    def end(self) -> Sequence[bytes]: ...
    def take(self) -> list[StreamEvent]:
        """Return what was read since the last time."""
        ...


class ProviderDialect(Protocol):
    form: ErrorForm

    def request(self, conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        """Return what is sent. Raises ModelCallRefused (`unsupported`) for what cannot be said here."""
        ...

    def answer(self, body: Json) -> ModelAnswer:
        """Read a whole answer. Raises MalformedAnswer, or whatever reading something of another shape raises."""
        ...

    def stream(self) -> ProviderStream: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Adjacent turns of one side, where sides must take turns."""

    role: Role
    parts: tuple[Part, ...]


def blocks_of(conversation: Conversation, is_said: Callable[[Part], bool]) -> list[Block]:
    """Return the turns as sides that take turns, with the parts that can be said.

    A system's word in the middle is the user's side, marked as what it is. Results of tools stand before what else a side says: Anthropic
    and Bedrock refuse them behind it.
    """
    blocks: list[Block] = []
    for turn in conversation.turns:
        role: Role = "user" if turn.role == "system" else turn.role
        parts = tuple(_marked(part) if turn.role == "system" else part for part in turn.parts if is_said(part))
        if parts and blocks and blocks[-1].role == role:
            blocks[-1] = Block(role, (*blocks[-1].parts, *parts))
        elif parts:
            blocks.append(Block(role, parts))
    return [Block(block.role, tuple(sorted(block.parts, key=_is_no_result))) for block in blocks]


def _is_no_result(part: Part) -> bool:
    return not isinstance(part, ToolResult)


def closed(schema: Json) -> Json:
    """Return a schema whose objects have no members but those that it names, as models that are bound to one want it said."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: value if name in _VALUES else closed(value) for name, value in schema.items()}
    return {**made, "additionalProperties": False} if "properties" in made and "additionalProperties" not in made else made


def _marked(part: Part) -> Part:
    return TextPart(f"<system>\n{part.text}\n</system>") if isinstance(part, TextPart) else part


def schema_of(tool: Tool) -> dict[str, Json]:
    """Return the schema of a tool's arguments; every dialect wants an object."""
    if tool.is_custom:
        return CUSTOM_SCHEMA
    return {"type": "object", "properties": {}, **tool.schema} if tool.schema.get("type", "object") == "object" else tool.schema


def arguments_of(call: ToolCall) -> str | dict[str, Any]:
    """Return a call's arguments: text of JSON, or the object of a custom tool's text."""
    return {"input": call.arguments} if call.is_custom else call.arguments
