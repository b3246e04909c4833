"""A passing stream of Bedrock's ConverseStream."""

from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.aws_event_stream import MessageSplitter, read_message, written_message
from tools.ai_gateway.dialects.native.passing_reader import PassingReader, length
from tools.ai_gateway.dialects.usage.other_usage import bedrock_usage
from tools.json_text import decode, encode
from tools.operation import Json


class ConverseReader(PassingReader):
    """Complete with `messageStop`; `metadata`, which comes behind it, holds the usage and is the last."""

    content_type = "application/vnd.amazon.eventstream"

    def __init__(self) -> None:
        super().__init__()
        self._splitter = MessageSplitter()
        #: of the event that is looked at
        self.event = ""

    def data_of(self, block: bytes) -> bytes | None:
        headers, payload = read_message(block)
        is_event = headers.get(":message-type") == "event"
        self.event = headers.get(":event-type", "") if is_event else ""
        if is_event:
            return payload or b"{}"
        # An exception is named by one header, an error says all in two.
        name = headers.get(":exception-type") or headers.get(":error-code") or "InternalServerException"
        said = _message_in(payload) or headers.get(":error-message", "")
        return encode({"message": said, "__type": name})

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        if not self.event:
            self.fail(value, encode({"message": value["message"]}), block)
            return False
        if self.event == "contentBlockDelta":
            self._delta(value["delta"])
        elif self.event == "contentBlockStart":
            self.has_content = self.has_content or bool(value.get("start"))
        elif self.event == "messageStop":
            self._is_finished = True
        elif self.event == "metadata":
            self.usage = bedrock_usage(value.get("usage")) or self.usage
            self._terminal = block
            return False
        return True

    def _delta(self, delta: dict[str, Json]) -> None:
        reasoning, call = delta.get("reasoningContent") or {}, delta.get("toolUse") or {}
        chars = length(delta.get("text")) + length(reasoning.get("text")) + length(call.get("input"))
        self.produced_chars += chars
        self.has_content = self.has_content or chars > 0 or bool(reasoning)

    def made_interruption(self, message: str) -> bytes:
        headers = {":message-type": "exception", ":exception-type": "modelStreamErrorException", ":content-type": "application/json"}
        return written_message(headers, error_body("bedrock", 502, ErrorText(message)))


def _message_in(payload: bytes) -> str:
    try:
        value = decode(payload)
    except ValueError:
        return ""
    said = value.get("message") or value.get("Message") if isinstance(value, dict) else None
    return said if isinstance(said, str) else ""
