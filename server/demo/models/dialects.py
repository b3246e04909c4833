"""How the demo provider says an answer: OpenAI's chat completions, Anthropic's messages, whole and as events."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """`words` joined are the text; token counts are a quarter of the characters, as everybody estimates."""

    answer_id: str
    model: str
    words: Sequence[str]
    input_tokens: int

    @property
    def output_tokens(self) -> int:
        return max(1, sum(map(len, self.words)) // 4)


class SaidAs(Protocol):
    """One dialect."""

    def whole(self, answer: DemoAnswer) -> dict[str, Any]: ...
    def begin(self, answer: DemoAnswer) -> bytes: ...
    def word(self, answer: DemoAnswer, word: str) -> bytes: ...
    def end(self, answer: DemoAnswer, *, wants_usage: bool) -> bytes: ...

    @property
    def mark(self) -> bytes:
        """The terminal mark of a stream."""
        ...

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]: ...


class AsOpenAi:
    """https://platform.openai.com/docs/api-reference/chat"""

    mark = DONE

    def whole(self, answer: DemoAnswer) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(answer.words), "refusal": None}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
        return self._head(answer, "chat.completion") | {"choices": choices, "usage": _openai_usage(answer)}

    def begin(self, answer: DemoAnswer) -> bytes:
        return self._chunk(answer, {"role": "assistant", "content": ""})

    def word(self, answer: DemoAnswer, word: str) -> bytes:
        return self._chunk(answer, {"content": word})

    def end(self, answer: DemoAnswer, *, wants_usage: bool) -> bytes:
        usage = _data(self._head(answer, "chat.completion.chunk") | {"choices": [], "usage": _openai_usage(answer)})
        return self._chunk(answer, {}, "stop") + (usage if wants_usage else b"")

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def _chunk(self, answer: DemoAnswer, delta: dict[str, str], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return _data(self._head(answer, "chat.completion.chunk") | {"choices": choices})

    def _head(self, answer: DemoAnswer, kind: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{answer.answer_id}", "object": kind, "created": int(time.time()), "model": answer.model}


class AsAnthropic:
    """https://docs.anthropic.com/en/api/messages"""

    mark = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'

    def whole(self, answer: DemoAnswer) -> dict[str, Any]:
        content = [{"type": "text", "text": "".join(answer.words)}]
        return self._message(answer) | {"content": content, "stop_reason": "end_turn", "usage": _anthropic_usage(answer)}

    def begin(self, answer: DemoAnswer) -> bytes:
        message = self._message(answer) | {"content": [], "usage": _anthropic_usage(answer) | {"output_tokens": 1}}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return _event({"type": "message_start", "message": message}) + _event(block)

    def word(self, answer: DemoAnswer, word: str) -> bytes:
        return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})

    def end(self, answer: DemoAnswer, *, wants_usage: bool) -> bytes:
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        last = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.output_tokens}}
        return _event({"type": "content_block_stop", "index": 0}) + _event(last)

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        kinds = {429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "invalid_request_error" if status < 500 else "api_error")
        # Anthropic has no codes; its clients read the words.
        return {"type": "error", "error": {"type": kind, "message": f"{message} ({code})"}, "request_id": "req_demo"}

    def _message(self, answer: DemoAnswer) -> dict[str, Any]:
        head = {"id": f"msg_{answer.answer_id}", "type": "message", "role": "assistant", "model": answer.model}
        return head | {"stop_reason": None, "stop_sequence": None}


def _openai_usage(answer: DemoAnswer) -> dict[str, int]:
    total = answer.input_tokens + answer.output_tokens
    return {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens, "total_tokens": total}


def _anthropic_usage(answer: DemoAnswer) -> dict[str, int]:
    return {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\n".encode() + _data(value)
