"""A passing stream of OpenAI responses."""

from tools.ai_gateway.dialects.framing.event_stream import data_of, event
from tools.ai_gateway.dialects.native.passing_reader import PassingReader, length
from tools.ai_gateway.dialects.usage.openai_usage import openai_usage
from tools.json_text import encode
from tools.operation import Json

_ENDS = frozenset({"response.completed", "response.incomplete"})


class ResponsesReader(PassingReader):
    """Complete with `response.completed` or `response.incomplete`; `response.failed` and `error` are faults."""

    def __init__(self) -> None:
        super().__init__()
        self._response: dict[str, Json] = {}
        self._number = -1

    def ends(self, data: bytes, block: bytes) -> bool:
        # Some put chat's mark behind the last event; alone it says nothing.
        if data.strip() != b"[DONE]":
            return False
        if self._terminal and not self._terminal.endswith(block):
            self._terminal += block
        return True

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        kind = value.get("type")
        number = value.get("sequence_number")
        self._number = number if isinstance(number, int) else self._number + 1
        if not isinstance(kind, str):
            if value.get("error"):
                self.fail(value, data_of(block) or b"", block)
            return self.fault is None
        if kind.endswith(".delta"):
            self.produced_chars += length(value.get("delta"))
            self.has_content = True
        elif kind == "response.output_item.added":
            # A message or reasoning that begins is empty; a call is there from its first event.
            item = value.get("item")
            self.has_content = self.has_content or not isinstance(item, dict) or item.get("type") not in ("message", "reasoning")
        elif kind == "response.output_item.done":
            self.has_content = True
        elif kind in _ENDS:
            self.usage = openai_usage(value["response"].get("usage")) or self.usage
            self._terminal, self._is_finished = block, True
            return False
        elif kind == "response.failed":
            response = value["response"]
            self.usage = openai_usage(response.get("usage")) or self.usage
            self._failed(response.get("error"), block)
            return False
        elif kind == "error":
            # Both as the specification has it (flat) and as some send it (an object `error`).
            self._failed(value.get("error") or {name: value.get(name) for name in ("code", "message", "param")}, block)
            return False
        elif kind in ("response.created", "response.in_progress") and isinstance(value.get("response"), dict):
            self._response = value["response"]
        return True

    def _failed(self, error: Json, block: bytes) -> None:
        shown = error if isinstance(error, dict) else {"message": str(error or "the provider failed"), "type": None, "code": None}
        body = {"message": shown.get("message"), "type": shown.get("type"), "param": shown.get("param"), "code": shown.get("code")}
        self.fail({"error": body}, encode({"error": body}), block)

    def made_interruption(self, message: str) -> bytes:
        return failed_event(message, "server_error", self._response, self._number + 1)


def failed_event(message: str, code: str, response: dict[str, Json], number: int) -> bytes:
    """Return `response.failed`, the one event from which Codex learns why a call broke off. `response`: as it was announced, or {}."""
    failed = {"id": "resp_none", "object": "response", "created_at": 0, "model": "", "output": [], **response}
    failed |= {"status": "failed", "error": {"code": code, "message": message}}
    return event(encode({"type": "response.failed", "sequence_number": number, "response": failed}), "response.failed")
