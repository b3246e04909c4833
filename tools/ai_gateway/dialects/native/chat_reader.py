"""A passing stream of OpenAI chat completions."""

from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import event
from tools.ai_gateway.dialects.native.passing_reader import PassingReader, length
from tools.ai_gateway.dialects.usage.openai_usage import openai_usage
from tools.json_text import encode
from tools.operation import Json

DONE = event(b"[DONE]")


class ChatReader(PassingReader):
    """Complete once every choice that began has a finish reason; [DONE] alone may be missing, and is made then.

    keeps_usage: the caller did not ask for the usage chunk; the gateway did, and it goes no further.
    """

    def __init__(self, keeps_usage: bool) -> None:
        super().__init__()
        self._keeps_usage = keeps_usage
        #: indices of choices
        self._begun: set[Json] = set()
        self._done: set[Json] = set()

    @property
    def terminal(self) -> bytes:
        return self._terminal or DONE

    def ends(self, data: bytes, block: bytes) -> bool:
        if data.strip() != b"[DONE]":
            return False
        self._terminal = self._terminal or block
        return True

    def look(self, value: dict[str, Json], block: bytes) -> bool:
        # A chunk with an empty `error` is a chunk: some send it with each.
        if value.get("error"):
            self.fail(value, encode({"error": value["error"]}), block)
            return False
        report = value.get("usage")
        if report:
            self.usage = openai_usage(report) or self.usage
        choices = value.get("choices") or ()
        for choice in choices:
            self._choice(choice)
        return bool(choices) or not report or not self._keeps_usage

    def _choice(self, choice: dict[str, Json]) -> None:
        index = choice.get("index", 0)
        if index not in self._begun:
            self._begun.add(index)
            self._is_finished = False
        delta = choice.get("delta")
        if delta:
            content = delta.get("content")
            # Most chunks are a piece of text and nothing else.
            if len(delta) == 1 and content and isinstance(content, str):
                self._produced(len(content))
            else:
                self._delta(delta)
        elif choice.get("text"):  # Some still answer as the completions of old did.
            self._produced(length(choice["text"]))
        if choice.get("finish_reason"):
            self._done.add(index)
            self._is_finished = self._begun == self._done

    def _delta(self, delta: dict[str, Json]) -> None:
        chars = length(delta.get("content")) + length(delta.get("reasoning_content")) + length(delta.get("refusal"))
        if not chars and delta.get("reasoning"):  # OpenRouter and newer vLLM; some send both spellings.
            chars = length(delta["reasoning"])
        calls = delta.get("tool_calls")
        if calls:
            self.has_content = True
            for call in calls:
                made = call.get("function") or call.get("custom") or {}
                chars += length(made.get("arguments")) + length(made.get("input"))
        if delta.get("function_call") or delta.get("audio") or delta.get("images"):
            self.has_content = True
        if isinstance(delta.get("content"), list) and delta["content"]:  # Mistral's thinking comes in parts.
            chars += len(encode(delta["content"]))
        self._produced(chars)

    def _produced(self, chars: int) -> None:
        if chars:
            self.produced_chars += chars
            self.has_content = True

    def made_interruption(self, message: str) -> bytes:
        return event(error_body("openai", 502, ErrorText(message, "stream_interrupted")))
