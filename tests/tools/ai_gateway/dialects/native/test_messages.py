"""Anthropic messages that pass."""

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

MESSAGES = exchange_of("messages", provider_of("anthropic"))
COUNT = exchange_of("count_tokens", provider_of("anthropic"))
TARGET = target_of("anthropic")
START_USAGE = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 40, "output_tokens": 1}
START_USAGE |= {"cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10}}  # type: ignore[dict-item]
EVENTS = named(
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": START_USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "höm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln/+=="}},
    {"type": "vendor_notice", "note": "kept"},
    {"type": "ping"},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 50, "input_tokens": 5}},
)
(STOP,) = named({"type": "message_stop"})
STREAM = b"".join(EVENTS)


def reader() -> StreamReader:
    return MESSAGES.reader(asked("messages", {"model": "m", "stream": True}), TARGET)


@given(st.lists(st.integers(0, 3000), max_size=8), st.booleans())
def test_events_pass_byte_for_byte_wherever_they_are_cut(cuts: list[int], with_crlf: bool) -> None:
    stream, stop = (each.replace(b"\n", b"\r\n") if with_crlf else each for each in (STREAM, STOP))
    read = reader()
    assert read_all(read, stream + stop, cuts) == (stream, False)
    assert read.is_complete
    assert read.terminal == stop
    assert read.produced_chars == 10


def test_message_delta_corrects_message_start_and_caches_stand_beside_the_input() -> None:
    read = reader()
    read.feed(EVENTS[0])
    assert read.usage == TokenUsage(143, 100, 40, 10, 1)
    read.feed(STREAM)
    assert read.usage == TokenUsage(145, 100, 40, 10, 50)


def test_only_message_stop_completes() -> None:
    read = reader()
    read_all(read, STREAM)
    assert not read.is_complete
    assert values(read.interruption("cut"))[0]["error"] == {"type": "api_error", "message": "cut"}
    assert b"message_stop" not in read.interruption("cut")


def test_a_tool_is_content_from_its_first_event_and_an_empty_thought_is_not() -> None:
    read = reader()
    read.feed(b"".join(EVENTS[:2]))
    assert not read.has_content
    read.feed(EVENTS[6])
    assert read.has_content


def test_an_error_event_is_a_fault_in_the_providers_words() -> None:
    error = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "r"}, "error")
    read = reader()
    assert read_all(read, EVENTS[0] + error) == (EVENTS[0], False)
    assert read.fault is not None
    assert (read.fault.kind, read.fault.status, read.fault.message) == ("retry", 529, "Overloaded")
    assert read.interruption("ours") == error


@pytest.mark.parametrize("garbage", [b"data: {\n\n", b'data: {"type":"content_block_delta"}\n\n', b'data: {"type":"message_start"}\n\n'])
def test_garbage_is_no_event(garbage: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        reader().feed(garbage)


def test_a_turn_of_claude_code_goes_out_as_it_came() -> None:
    raw = b'{"model":"route","max_tokens":32000,"system":[{"type":"text","text":"x-anthropic-billing-header: a;"}],"x":1e3}'
    headers = (("anthropic-version", "2023-06-01"), ("anthropic-beta", "a-2027,b"), ("anthropic-future", "kept"))
    sent = MESSAGES.request(asked("messages", raw=raw, headers=headers, query="beta=true"), TARGET, None)
    assert (sent.path, sent.query, sent.body) == ("/v1/messages", "beta=true", raw.replace(b"route", b"there"))
    assert sent.headers[:3] == headers


def test_the_version_is_named_where_the_caller_names_none() -> None:
    sent = COUNT.request(asked("count_tokens", {"model": "m"}), TARGET, None)
    assert ("anthropic-version", "2023-06-01") in sent.headers
    assert sent.path == "/v1/messages/count_tokens"


def test_a_base_url_may_end_in_its_version() -> None:
    target = target_of("anthropic", base_url="https://proxy.example/v1")
    assert MESSAGES.request(asked("messages", {"model": "m"}), target, None).path == "/messages"


def test_counting_tokens_costs_nothing() -> None:
    answer = COUNT.whole(asked("count_tokens", {"model": "m"}), TARGET, {}, b'{"input_tokens": 7}')
    assert answer.usage == TokenUsage()


def test_a_replay_reads_like_the_stream_that_it_stands_for() -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "hello", "citations": [{"c": 1}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"city": "Zürich"}},
    ]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 9}
    kept = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": content, "stop_reason": "tool_use", "usage": usage}
    events = MESSAGES.replay(asked("messages", {"model": "m", "stream": True}), orjson.dumps(kept))
    read = reader()
    read_all(read, b"".join(events))
    assert read.is_complete
    assert read.usage == TokenUsage(5, 2, 0, 0, 9)
    seen = values(b"".join(events))
    deltas = [each["delta"] for each in seen if each["type"] == "content_block_delta"]
    assert [each["type"] for each in deltas] == ["thinking_delta", "signature_delta", "text_delta", "citations_delta", "input_json_delta"]
    assert json.loads(deltas[-1]["partial_json"]) == {"city": "Zürich"}
    assert seen[0]["message"]["content"] == []


def test_refusals_are_in_anthropics_words() -> None:
    shown = json.loads(MESSAGES.refusal("budget_exceeded", 402, "the budget 'a' is used up", "a", "req_1"))
    assert shown == {"type": "error", "error": {"type": "billing_error", "message": "the budget 'a' is used up"}, "request_id": "req_1"}
