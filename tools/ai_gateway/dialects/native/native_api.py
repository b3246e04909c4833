"""One endpoint of a provider, as far as a passing call has to know it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.ai_gateway.dialects.exchange import StreamReader
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class NativeApi:
    """`look` returns what a whole answer used and how many characters it holds; it raises for what is no answer of this endpoint.

    `reader` is told whether the usage chunk is kept from the caller; `replay` gets a whole answer and whether usage is asked for.
    """

    path: str
    look: Callable[[Json], tuple[TokenUsage | None, int]]
    reader: Callable[[bool], StreamReader] | None = None
    replay: Callable[[Json, bool], Sequence[bytes]] | None = None
    #: reports usage of a stream only where `stream_options.include_usage` asks for it
    asks_usage: bool = False
    #: the body names the model; else the path does
    names_model: bool = True
    #: the member that bounds an answer's tokens, after a point the one within it; "": there is none
    maximum: str = ""
    #: the body is that of whoever made the model, and so is the name of its maximum
    is_makers: bool = False
