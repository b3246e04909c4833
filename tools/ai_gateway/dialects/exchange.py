"""The port between the pipeline and the dialects: pure functions and small state machines, no I/O.

An exchange puts a request of one surface to a provider of one dialect. Where both speak the same, bytes pass: of the body only
`model` and `stream_options.include_usage` change, events go out as they came in. Else the request goes through
`conversation/` and back, and what cannot be said there is refused by name (`refusals.unsupported`), never dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.value_objects import value_object

#: what a provider's refusal means for failing over: `retry` 408/409/429/5xx, `key` 401-403 (our key), `context` too long for this model,
#: `quota` our account is used up (429 insufficient_quota; the next target), `final` all else: it goes back to the caller as it came
FaultKind = Literal["retry", "key", "context", "quota", "final"]


@value_object
class ProviderRequest:
    """What is sent, but for the credential. `path` comes behind the provider's base URL and is percent-encoded."""

    path: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: str = ""


@value_object
class WholeAnswer:
    """A complete answer in the caller's dialect. `usage` None: the provider did not say."""

    body: bytes = field(repr=False)
    usage: TokenUsage | None
    #: characters of text, reasoning and tool arguments, to estimate by where nothing was reported
    produced_chars: int = 0
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class ProviderFault:
    """A refusal of the provider: what it means, and how the caller is told in the caller's dialect (the bytes as they came within one)."""

    kind: FaultKind
    status: int
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    #: the provider's words, shortened, for the log
    message: str = ""


class MalformedAnswer(Exception):
    """The provider answered with something that is no answer of its dialect; it counts as a failure of the provider."""


class FaultInside(MalformedAnswer):
    """A refusal of the provider in place of a whole answer, under a status of success."""

    def __init__(self, fault: ProviderFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class StreamReader(Protocol):
    """Reads one stream of a provider and gives the caller's events; the same for every way the bytes are cut.

    Events are whole SSE blocks, blank line included. The terminal mark (`data: [DONE]`, `message_stop`, `response.completed`) is never
    among those that `feed` returns: it waits in `terminal`, because a comment goes out before it.
    """

    @property
    def has_content(self) -> bool:
        """Text, reasoning or a tool call has begun: from now on nothing can be taken back."""
        ...

    @property
    def is_complete(self) -> bool:
        """The provider said that it is done (finish reason seen where only [DONE] is missing)."""
        ...

    @property
    def is_over(self) -> bool:
        """The terminal mark itself is here: nothing more is read. Complete without it, usage may still come."""
        ...

    @property
    def fault(self) -> ProviderFault | None:
        """An error event of the provider inside its 200, in the caller's dialect; None: none."""
        ...

    @property
    def usage(self) -> TokenUsage | None:
        """As reported so far; cumulative reports replace each other."""
        ...

    @property
    def produced_chars(self) -> int: ...

    @property
    def content_type(self) -> str:
        """Of what the caller gets; "": what the provider said. Only text/event-stream takes a comment or a ping in between."""
        ...

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Take bytes as they come and return the events that are complete. Raises MalformedAnswer for garbage that is no event.

        Where events stood before the garbage they are returned, and the next `feed` raises; `is_complete` is false from then on.
        """
        ...

    def end(self) -> Sequence[bytes]:
        """The body has ended: return what is still to be sent before the terminal mark; `is_complete` then tells whether it was whole."""
        ...

    @property
    def terminal(self) -> bytes:
        """The events that end a complete stream for the caller; made where the provider left them out."""
        ...

    def interruption(self, message: str) -> bytes:
        """Return the error event by which the caller's client notices that the stream broke off; never a terminal mark.

        Where the provider itself said why (`fault`), its words go out and `message` does not.
        """
        ...


class DialectExchange(Protocol):
    """One surface to one dialect."""

    @property
    def translates(self) -> bool:
        """Whether what is sent is other words than what came; else the caller's bytes pass."""
        ...

    #: what a target must be able to do for this request: of `tools`, `images`, `json_schema`, `reasoning`
    def needs(self, request: ModelRequest) -> frozenset[str]: ...

    def request(self, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        """Return what is sent. `max_output_tokens`: put in where the caller names none (None: leave it), as a budget wants it.

        Raises ModelCallRefused (`unsupported`, `invalid_request`).
        """
        ...

    def whole(self, request: ModelRequest, target: ModelTarget, headers: Mapping[str, str], body: bytes) -> WholeAnswer:
        """Return a whole 2xx answer for the caller. Raises MalformedAnswer, and FaultInside where it is a refusal."""
        ...

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
        """Return what an answer of another status means. Never raises: HTML, half a JSON and nothing are refusals too."""
        ...

    def reader(self, request: ModelRequest, target: ModelTarget) -> StreamReader:
        """Return a reader for one stream."""
        ...

    def replay(self, request: ModelRequest, body: bytes) -> Sequence[bytes]:
        """Return a kept whole answer as the events of a stream, terminal mark included; usage where the request asks for it."""
        ...

    def refusal(self, code: str, status: int, message: str, param: str | None, request_id: str) -> bytes:
        """Return the body by which the gateway itself refuses, in the caller's dialect."""
        ...
