"""What a stream said, kept as the whole answer that it stands for."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, sse
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.replay.assembled import assembled
from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.token_usage import TokenUsage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "completion_tokens_details": {"reasoning_tokens": 2}}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a": "ä"}'}}
ITEM = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "x", "annotations": []}],
}


def chat(text: str, thought: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "tool_calls": [CALL, {**CALL, "id": "d"}], "x_vendor": {"kept": True}}
    message |= {"reasoning_content": thought} if thought else {}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


def message(text: str, thought: str) -> dict[str, Any]:
    content = [
        {"type": "thinking", "thinking": thought, "signature": "s"},
        {"type": "text", "text": text, "citations": [{"type": "page"}]},
        {"type": "tool_use", "id": "t", "name": "look", "input": {"a": "ä"}},
    ]
    whole: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": content}
    usage = {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 1}
    return whole | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}


def response(text: str, thought: str) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [ITEM],
        "instructions": text + thought,
        "usage": {"input_tokens": 1},
    }


ANSWERS: list[tuple[Surface, Dialect, Any]] = [
    ("chat", "openai", chat),
    ("messages", "anthropic", message),
    ("responses", "openai", response),
]


@pytest.mark.parametrize(("surface", "dialect", "make"), ANSWERS, ids=[surface for surface, _, _ in ANSWERS])
@given(text=texts, thought=texts)
def test_a_replayed_answer_put_together_again_is_the_answer(surface: Surface, dialect: Dialect, make: Any, text: str, thought: str) -> None:
    whole = make(text, thought)
    request = asked(surface, {"model": "m", "stream": True, "stream_options": {"include_usage": True}})
    events = exchange_of(surface, provider_of(dialect)).replay(request, orjson.dumps(whole))
    again = assembled(surface, b"".join(events[:-1]), events[-1], TokenUsage())
    assert again is not None
    assert json.loads(again) == whole


def test_fragments_of_parallel_calls_are_put_together_by_index() -> None:
    def chunk(*calls: dict[str, Any], finish: str | None = None) -> bytes:
        return sse({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": list(calls)}, "finish_reason": finish}]})

    stream = b"".join([
        chunk({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}),
        chunk({"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}),
        chunk({"index": 1, "function": {"arguments": "{}"}}, {"index": 0, "function": {"arguments": "[]"}}, finish="tool_calls"),
    ])  # fmt: skip
    whole = json.loads(assembled("chat", stream, sse("[DONE]"), TokenUsage(5, output_tokens=2)) or b"")
    assert [each["function"] for each in whole["choices"][0]["message"]["tool_calls"]] == [
        {"name": "f", "arguments": "[]"}, {"name": "g", "arguments": "{}"},
    ]  # fmt: skip
    # The chunk with the usage went to nobody, and a whole answer has it all the same.
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (5, 2)


@pytest.mark.parametrize(
    "stream", [b"", b"data: 1\n\n", b'data: {"choices":7}\n\n', b'data: {"type":"content_block_delta","delta":{}}\n\n', b"data: {\n\n"]
)
@pytest.mark.parametrize("surface", ["chat", "messages", "responses", "native", "embeddings"])
def test_events_that_do_not_fit_together_are_no_answer(surface: Surface, stream: bytes) -> None:
    assert assembled(surface, stream, b"", TokenUsage()) is None
