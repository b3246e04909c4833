"""OpenAI responses that pass."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import asked, named, provider_of, read_all, sse, target_of, values
from tools.ai_gateway.dialects.exchange import MalformedAnswer, StreamReader
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.token_usage import TokenUsage

RESPONSES = exchange_of("responses", provider_of("openai"))
TARGET = target_of("openai")
USAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}, "output_tokens": 5}
USAGE |= {"output_tokens_details": {"reasoning_tokens": 4}}
MESSAGE = {"id": "m", "type": "message", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "höhö"}]}
EVENTS = named(
    {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "status": "in_progress", "model": "m"}},
    {"type": "response.output_item.added", "sequence_number": 1, "item": {**MESSAGE, "content": []}},
    {"type": "response.output_text.delta", "sequence_number": 2, "delta": "höhö"},
    {"type": "response.output_item.done", "sequence_number": 3, "item": MESSAGE},
)
(END,) = named({"type": "response.completed", "sequence_number": 4, "response": {"id": "resp_1", "usage": USAGE}})


def reader() -> StreamReader:
    return RESPONSES.reader(asked("responses", {"model": "m", "stream": True}), TARGET)


@given(st.lists(st.integers(0, 1000), max_size=8))
def test_events_pass_byte_for_byte_wherever_they_are_cut(cuts: list[int]) -> None:
    read = reader()
    assert read_all(read, b"".join(EVENTS) + END + sse("[DONE]"), cuts) == (b"".join(EVENTS), False)
    assert read.is_complete
    assert read.terminal == END + sse("[DONE]")
    assert read.usage == TokenUsage(9, 2, 3, 0, 5, 4)


def test_done_alone_completes_nothing_and_a_call_is_content_at_once() -> None:
    read = reader()
    read.feed(EVENTS[0] + EVENTS[1])
    assert not read.has_content
    read.feed(named({"type": "response.output_item.added", "item": {"type": "function_call"}})[0])
    assert read.has_content
    read_all(read, sse("[DONE]"))
    assert not read.is_complete


def test_an_interruption_is_a_failed_response_of_the_same_id() -> None:
    read = reader()
    read_all(read, b"".join(EVENTS))
    (failed,) = values(read.interruption("it broke off"))
    assert (failed["type"], failed["sequence_number"], failed["response"]["id"]) == ("response.failed", 4, "resp_1")
    assert failed["response"]["error"] == {"code": "server_error", "message": "it broke off"}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed", "response": {"error": {"code": "context_length_exceeded", "message": "too long"}}},
        {"type": "error", "code": "context_length_exceeded", "message": "too long", "param": None},
        {"type": "error", "error": {"code": "context_length_exceeded", "message": "too long"}},
    ],
)
def test_what_failed_inside_the_stream_is_a_fault(event: dict[str, Any]) -> None:
    read = reader()
    (block,) = named(event)
    assert read_all(read, EVENTS[0] + block) == (EVENTS[0], False)
    assert read.fault is not None
    assert (read.fault.kind, read.fault.status) == ("context", 400)
    assert json.loads(read.fault.body)["error"]["message"] == "too long"
    assert read.interruption("ours") == block


def test_an_incomplete_response_is_an_end() -> None:
    read = reader()
    read_all(read, named({"type": "response.incomplete", "response": {"usage": USAGE}})[0])
    assert read.is_complete


def test_garbage_is_no_event() -> None:
    with pytest.raises(MalformedAnswer):
        reader().feed(b'data: {"type":"response.completed"}\n\n')


def test_the_body_of_codex_goes_out_as_it_came() -> None:
    raw = b'{"model":"route","input":[],"stream":true,"store":false,"include":["reasoning.encrypted_content"],"tools":[{"type":"custom"}]}'
    sent = RESPONSES.request(asked("responses", raw=raw), TARGET, None)
    assert (sent.path, sent.body) == ("/responses", raw.replace(b"route", b"there"))


def test_a_replay_reads_like_the_stream_that_it_stands_for() -> None:
    items: list[dict[str, Any]] = [
        {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}], "encrypted_content": "e"},
        {**MESSAGE, "content": [{"type": "output_text", "text": "hello", "annotations": [{"a": 1}], "logprobs": []}]},
        {"id": "fc", "type": "function_call", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"},
        {"id": "ct", "type": "custom_tool_call", "call_id": "d", "name": "patch", "input": "x"},
        {"id": "ws", "type": "web_search_call", "status": "completed"},
    ]
    kept = {"id": "r", "object": "response", "status": "completed", "output": items, "usage": USAGE}
    events = RESPONSES.replay(asked("responses", {"model": "m", "stream": True}), orjson.dumps(kept))
    read = reader()
    read_all(read, b"".join(events))
    assert read.is_complete
    seen = values(b"".join(events))
    assert [each["sequence_number"] for each in seen] == list(range(len(seen)))
    assert [each["item"] for each in seen if each["type"] == "response.output_item.done"] == items
    assert seen[-1]["response"] == kept
    names = [each["type"] for each in seen]
    order = ["response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.done"]
    assert [names.index(each) for each in order] == sorted(names.index(each) for each in order)
