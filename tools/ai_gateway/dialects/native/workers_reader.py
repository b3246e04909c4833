"""A passing stream of Workers AI's /ai/run."""

from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import data_of, event
from tools.ai_gateway.dialects.native.chat_reader import ChatReader
from tools.ai_gateway.dialects.native.passing_reader import length
from tools.ai_gateway.dialects.usage.openai_usage import openai_usage
from tools.operation import Json


class WorkersReader(ChatReader):
    """Events hold `response`; newer models send chunks of OpenAI's. Complete with [DONE], or with usage, which comes last."""

    def __init__(self) -> None:
        super().__init__(keeps_usage=False)

    def ends(self, data: bytes, block: bytes) -> bool:
        if not super().ends(data, block):
            return False
        self._is_finished = True
        return True

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        if value.get("errors") or value.get("success") is False:
            self.fail(value, data_of(block) or b"", block)
            return False
        if value.get("error") or "choices" in value:
            return super().look(value, block)
        chars = length(value.get("response"))
        calls = value.get("tool_calls")
        if chars or calls:
            self.produced_chars += chars + (len(str(calls)) if calls else 0)
            self.has_content = True
        report = openai_usage(value.get("usage"))
        if report is not None:
            self.usage = report
            self._is_finished = True
        return True

    def made_interruption(self, message: str) -> bytes:
        return event(error_body("workers_ai", 502, ErrorText(message)))
