"""The words of one call as they are kept, and who collects them while the call runs."""

from dataclasses import dataclass, field

from tools.ai_gateway.dialects.exchanges import assembled
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.token_usage import TokenUsage
from tools.text.secrets_in_text import redact

#: of the request, and as many of the answer
MAX_CHARS = 16_384
#: of a stream, until it is put together
MAX_COLLECTED_BYTES = 1 << 20
#: a secret that the end cuts in two is found as a whole
_BEYOND_CHARS = 512
CUT = "… cut here"


@dataclass(frozen=True, slots=True)
class CallPayload:
    """Request and answer in the caller's dialect: text of at most `MAX_CHARS` each, what looks like a secret taken out."""

    request: str = field(repr=False)
    answer: str = field(repr=False)


class PayloadCollector:
    """Collects the answer of one call whose words are wanted; nothing is read before the call ends."""

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._answer = bytearray()

    def take(self, data: bytes) -> None:
        """Take what goes to the caller; beyond `MAX_COLLECTED_BYTES` nothing is taken any more."""
        self._answer += data[: MAX_COLLECTED_BYTES - len(self._answer)]

    def completed(self, terminal: bytes, usage: TokenUsage) -> None:
        """The stream is whole: it is kept as the answer that it stands for, where it can be put together."""
        if len(self._answer) < MAX_COLLECTED_BYTES:
            whole = assembled(self._request.surface, bytes(self._answer), terminal, usage)
            self._answer = bytearray(whole) if whole is not None else self._answer

    def payload(self) -> CallPayload:
        """Return what is kept."""
        return CallPayload(_kept(self._request.raw), _kept(self._answer))


def _kept(data: bytes | bytearray) -> str:
    # Four bytes are the longest character of UTF-8.
    text = redact(data[: (MAX_CHARS + _BEYOND_CHARS) * 4].decode(errors="replace")[: MAX_CHARS + _BEYOND_CHARS])
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - len(CUT)] + CUT
