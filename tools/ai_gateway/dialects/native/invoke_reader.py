"""A passing stream of Bedrock's InvokeModelWithResponseStream: the model maker's own events, in base64 within AWS's framing."""

import base64
import binascii

from tools.ai_gateway.dialects.native.converse_reader import ConverseReader
from tools.ai_gateway.dialects.usage.other_usage import invocation_usage
from tools.json_text import decode
from tools.operation import Json

_METRICS = "amazon-bedrock-invocationMetrics"
#: events of Anthropic's that carry nothing yet
_EMPTY = frozenset({"message_start", "ping"})


class InvokeReader(ConverseReader):
    """Complete with the chunk that holds Bedrock's own metrics, which is the last for every model."""

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        if self.event != "chunk":
            return super().look(value, block)
        try:
            chunk = decode(base64.b64decode(value["bytes"], validate=True))
        except binascii.Error as error:
            raise ValueError("a chunk that is no base64") from error
        self.has_content = self.has_content or chunk.get("type") not in _EMPTY
        delta = chunk.get("delta")
        texts = (*(delta.values() if isinstance(delta, dict) else ()), chunk.get("outputText"), chunk.get("generation"))
        self.produced_chars += sum(len(text) for text in texts if isinstance(text, str))
        if _METRICS in chunk:
            self.usage = invocation_usage(chunk[_METRICS])
            self._terminal, self._is_finished = block, True
        return _METRICS not in chunk
