"""A passing stream of Gemini's streamGenerateContent with alt=sse."""

from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import data_of, event
from tools.ai_gateway.dialects.native.passing_reader import PassingReader, length
from tools.ai_gateway.dialects.usage.other_usage import gemini_usage
from tools.operation import Json


class GeminiReader(PassingReader):
    """Complete once every candidate has a finish reason, or the prompt was blocked. There is no terminal mark but that event."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: set[Json] = set()
        self._done: set[Json] = set()
        self._last = b""

    @property
    def terminal(self) -> bytes:
        return self._last

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        if value.get("error"):
            self.fail(value, data_of(block) or b"", block)
            return False
        self.usage = gemini_usage(value.get("usageMetadata")) or self.usage
        for candidate in value.get("candidates") or ():
            index = candidate.get("index", 0)
            self._begun.add(index)
            if candidate.get("finishReason"):
                self._done.add(index)
            chars = gemini_chars(candidate)
            self.produced_chars += chars
            self.has_content = self.has_content or chars > 0
        is_blocked = isinstance(feedback := value.get("promptFeedback"), dict) and bool(feedback.get("blockReason"))
        self._is_finished = is_blocked or (bool(self._done) and self._begun == self._done)
        # The event that says so is the last; it waits, and should another one follow, that one waits instead.
        if self._is_finished:
            self._last += block
        return not self._is_finished

    def made_interruption(self, message: str) -> bytes:
        return event(error_body("gemini", 502, ErrorText(message)))


def gemini_chars(candidate: dict[str, Json]) -> int:
    """Return how many characters a candidate's parts hold: text, thoughts, arguments."""
    content = candidate.get("content")
    chars = 0
    for part in (content.get("parts") if isinstance(content, dict) else None) or ():
        chars += length(part.get("text"))
        if "functionCall" in part:
            chars += len(str(part["functionCall"]))
        if "inlineData" in part:
            chars += 1
    return chars
