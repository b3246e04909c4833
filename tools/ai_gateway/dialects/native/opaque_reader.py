"""A passing stream of an endpoint that we do not know: nothing is read, and its end is as good as the connection's."""

from collections.abc import Sequence

from tools.ai_gateway.dialects.exchange import ProviderFault
from tools.ai_gateway.token_usage import TokenUsage


class OpaqueReader:
    """A StreamReader; see there. What came is content, and an end of the body is its end: nobody can know more."""

    def __init__(self) -> None:
        self.has_content = False
        self.is_complete = self.is_over = False
        self.fault: ProviderFault | None = None
        self.usage: TokenUsage | None = None
        self.produced_chars = 0

    #: nobody knows into what bytes of an unknown form a comment could go
    content_type = ""

    @property
    def terminal(self) -> bytes:
        return b""

    def feed(self, data: bytes) -> Sequence[bytes]:
        self.has_content = self.has_content or bool(data)
        self.produced_chars += len(data)
        return [data] if data else ()

    def end(self) -> Sequence[bytes]:
        self.is_complete = self.is_over = True
        return ()

    def interruption(self, message: str) -> bytes:
        return b""
