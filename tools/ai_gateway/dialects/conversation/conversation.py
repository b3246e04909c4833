"""A request to a model, whatever its dialect."""

from dataclasses import dataclass, field
from typing import Literal

from tools.operation import Json

Role = Literal["system", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a document: `data` in base64 with its media type, or a URL."""

    media_type: str = ""
    data: str = field(default="", repr=False)
    url: str = ""
    #: of a document; "" for pictures
    name: str = ""
    #: how closely a picture is to be looked at; only OpenAI knows this
    detail: str = ""

    @property
    def is_image(self) -> bool:
        return not self.name and (not self.media_type or self.media_type.startswith("image/"))

    @property
    def data_url(self) -> str:
        return self.url or f"data:{self.media_type};base64,{self.data}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` are JSON text, as the model wrote them; of a custom tool any text. `signature`: Gemini's, which has to come back."""

    id: str
    name: str
    arguments: str
    signature: str = ""
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    parts: tuple[TextPart | Media, ...]
    is_error: bool = False
    is_custom: bool = False

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thought of the model. Its signature, or what is hidden of it, is worth something to the dialect that it came from (`origin`)."""

    text: str = ""
    signature: str = ""
    #: a thought that only its provider can read
    hidden: str = ""
    origin: str = ""


Part = TextPart | Media | ToolCall | ToolResult | Thinking


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said. Results of tools are the user's side; a `system` turn stands in the middle of the conversation."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """`schema` of its arguments; a custom tool takes any text."""

    name: str
    description: str = ""
    schema: dict[str, Json] = field(default_factory=dict)
    is_strict: bool | None = None
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    kind: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """The answer is to be JSON; after `schema` where there is one."""

    schema: dict[str, Json] | None = None
    name: str = "answer"
    description: str = ""
    is_strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """None: the model's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    system: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    #: None: the model's default, which is yes
    parallel_tool_calls: bool | None = None
    json_answer: JsonAnswer | None = None
    sampling: Sampling = Sampling()
    max_output_tokens: int | None = None
    #: how much the model is to think; None: its default
    effort: Effort | None = None
    thinking_tokens: int | None = None
    is_stream: bool = False

    def name_of_call(self, call_id: str) -> str:
        """Return the tool that a result answers; Gemini wants it named."""
        for turn in self.turns:
            for part in turn.parts:
                if isinstance(part, ToolCall) and part.id == call_id:
                    return part.name
        return call_id
