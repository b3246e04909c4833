"""A model's answer, whatever its dialect: whole, or as the events of a stream."""

from dataclasses import dataclass
from typing import Literal

from tools.ai_gateway.dialects.conversation.conversation import TextPart, Thinking, ToolCall
from tools.ai_gateway.token_usage import TokenUsage

#: why a model stopped: `filter` a filter did, `refusal` the model itself would not
FinishReason = Literal["stop", "stop_sequence", "length", "tool_calls", "filter", "refusal", "context", "pause"]
AnswerPart = TextPart | ToolCall | Thinking


@dataclass(frozen=True, slots=True)
class Finish:
    reason: FinishReason
    #: the sequence that stopped it
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """`id` and `model` as the provider gives them; "" where it gives none."""

    parts: tuple[AnswerPart, ...]
    finish: Finish
    usage: TokenUsage | None
    id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """The stream has begun. `usage`: what is known of the input by then."""

    id: str = ""
    model: str = ""
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of a thought; at its end its signature, or a thought that is hidden as a whole."""

    text: str = ""
    signature: str = ""
    hidden: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class CallBegan:
    """A tool call begins; it ends where anything but its arguments comes. Calls never overlap."""

    id: str
    name: str
    signature: str = ""
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class CallDelta:
    arguments: str


#: what a provider's stream is read into; usage and the finish are the reader's attributes
StreamEvent = Began | TextDelta | ThinkingDelta | CallBegan | CallDelta
