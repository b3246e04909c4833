"""What a translated call needs of its caller's dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.ai_gateway.dialects.conversation.answer import Finish, ModelAnswer, StreamEvent
from tools.ai_gateway.dialects.conversation.conversation import Conversation
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request its answer depends on. `model` is what is told where the provider names none."""

    body: Mapping[str, Json]
    model: str
    given_chars: int


class CallerStream(Protocol):
    """Writes one stream in the caller's dialect."""

    def write(self, event: StreamEvent) -> Sequence[bytes]: ...
    def close(self, finish: Finish, usage: TokenUsage | None, produced_chars: int) -> Sequence[bytes]:
        """Return what is still to be sent before the terminal mark."""
        ...

    @property
    def terminal(self) -> bytes: ...
    def interruption(self, status: int, said: ErrorText) -> bytes: ...


class CallerDialect(Protocol):
    form: ErrorForm

    def read(self, body: Mapping[str, Json], to: str) -> Conversation:
        """Return a request as a conversation. Raises ModelCallRefused."""
        ...

    def custom_tools(self, body: Mapping[str, Json]) -> frozenset[str]:
        """Return the names of the tools that take any text."""
        ...

    def whole(self, answer: ModelAnswer, asked: Asked, produced_chars: int) -> bytes: ...
    def stream(self, asked: Asked) -> CallerStream: ...
    def replay(self, body: Json, with_usage: bool) -> Sequence[bytes]: ...
