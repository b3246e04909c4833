"""A passing stream of Anthropic messages."""

from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import data_of, event
from tools.ai_gateway.dialects.native.passing_reader import PassingReader, length
from tools.ai_gateway.dialects.usage.anthropic_usage import anthropic_usage, merged
from tools.operation import Json

#: beginnings that carry nothing yet; all other blocks (tools, results of searches) are content from their first event
_EMPTY_BEGINNINGS = frozenset({"text", "thinking"})
_DELTAS = ("text", "thinking", "partial_json")


class MessagesReader(PassingReader):
    """Complete with `message_stop` alone: the SDK takes any end of the body for a good one, so nobody behind us would notice."""

    def __init__(self) -> None:
        super().__init__()
        self._report: dict[str, Json] = {}

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        kind = value.get("type")
        if kind == "content_block_delta":
            self._delta(value["delta"])
        elif kind == "content_block_start":
            begun = value["content_block"]
            if begun.get("type") not in _EMPTY_BEGINNINGS or begun.get("text") or begun.get("thinking"):
                self.has_content = True
            self.produced_chars += length(begun.get("text")) + length(begun.get("thinking"))
        elif kind == "message_start":
            self._used(value["message"].get("usage"))
        elif kind == "message_delta":
            self._used(value.get("usage"))
        elif kind == "message_stop":
            self._terminal, self._is_finished = block, True
            return False
        elif kind == "error" or (kind is None and value.get("error")):
            self.fail(value, data_of(block) or b"", block)
            return False
        return True

    def _delta(self, delta: dict[str, Json]) -> None:
        for name in _DELTAS:
            chars = length(delta.get(name))
            if chars:
                self.produced_chars += chars
                self.has_content = True
        if delta.get("signature") or delta.get("citation"):
            self.has_content = True

    def _used(self, report: Json) -> None:
        if report:
            self._report = merged(self._report, report)
            self.usage = anthropic_usage(self._report)

    def made_interruption(self, message: str) -> bytes:
        return event(error_body("anthropic", 500, ErrorText(message)), "error")
