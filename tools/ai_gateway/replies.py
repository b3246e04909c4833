"""What goes back to a caller of models: one whole answer, or events as they come."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import field

from tools.value_objects import value_object


@value_object
class WholeReply:
    """Status, headers and body, complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    content_type: str = "application/json"


@value_object
class StreamReply:
    """A stream that has begun; `events` is run to its end or closed, and with it the call upstream."""

    headers: Mapping[str, str]
    events: Callable[[], AsyncGenerator[bytes]] = field(repr=False)
    #: of bytes that are no events of any dialect, as the provider calls them; "": they are events
    media_type: str = ""


ModelReply = WholeReply | StreamReply
