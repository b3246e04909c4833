"""OpenAI chat completions that pass."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, sse, target_of, values
from tools.ai_gateway.dialects.exchange import FaultInside, MalformedAnswer, StreamReader
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.token_usage import TokenUsage

CHAT = exchange_of("chat", provider_of("openai"))
TARGET = target_of("openai")
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    return sse({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


HEAD, HELLO, WORLD, STOP = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Grüße "}),
    chunk({"content": "👋"}),
    chunk({}, "stop"),
)
COUNT = sse({"id": "c", "choices": [], "usage": USAGE})
DONE = sse("[DONE]")
WHOLE = b": hi\n\n" + HEAD + HELLO + WORLD + STOP + COUNT


def reader(asks_usage: bool = True) -> StreamReader:
    body: dict[str, Any] = {"model": "m", "stream": True, "stream_options": {"include_usage": asks_usage}}
    return CHAT.reader(asked("chat", body), TARGET)


@given(st.lists(st.integers(0, 2000), max_size=8), st.booleans())
def test_events_pass_byte_for_byte_wherever_they_are_cut(cuts: list[int], with_crlf: bool) -> None:
    stream = WHOLE.replace(b"\n", b"\r\n") if with_crlf else WHOLE
    read = reader()
    assert read_all(read, stream + DONE, cuts) == (stream, False)
    assert (read.is_complete, read.has_content, read.produced_chars) == (True, True, 7)
    assert read.usage == TokenUsage(10, 6, 0, 0, 4)
    assert read.terminal == DONE


def test_content_begins_with_the_first_token_and_not_with_the_head() -> None:
    read = reader()
    assert read.feed(HEAD) == [HEAD]
    assert not read.has_content
    read.feed(HELLO)
    assert read.has_content


def test_a_missing_done_alone_is_made() -> None:
    read = reader()
    read_all(read, WHOLE)
    assert read.is_complete
    assert read.terminal == DONE


@pytest.mark.parametrize("stream", [HEAD + HELLO, HEAD + HELLO + DONE, b"", DONE, HEAD + HELLO + STOP[:-20]])
def test_an_end_without_a_finish_reason_is_a_cut(stream: bytes) -> None:
    read = reader()
    read_all(read, stream)
    assert not read.is_complete
    assert b"stream_interrupted" in read.interruption("it broke off")
    assert b"[DONE]" not in read.interruption("it broke off")


def test_a_stream_of_two_choices_is_complete_when_both_are() -> None:
    read = reader()
    read.feed(sse({"choices": [{"index": 1, "delta": {"content": "b"}}]}) + HELLO + STOP)
    assert not read.is_complete
    read.feed(sse({"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}))
    assert read.is_complete


def test_a_damaged_event_is_not_passed_on_and_nothing_is_complete_after_it() -> None:
    bad = b'data: {"choices": [{"delta": {"content": "bro\n\n'
    read = reader()
    assert read_all(read, HEAD + HELLO + bad + STOP + DONE) == (HEAD + HELLO, False)
    assert not read.is_complete
    with pytest.raises(MalformedAnswer):
        read.feed(WORLD)
    with pytest.raises(MalformedAnswer):
        reader().feed(bad)


@pytest.mark.parametrize("garbage", [b"data: 1\n\n", b'data: {"choices": 7}\n\n', b'data: {"choices": ["x"]}\n\n', b"data: \xff\n\n"])
def test_what_is_json_and_no_chunk_is_garbage_too(garbage: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        reader().feed(garbage)


def test_the_usage_that_only_the_gateway_asked_for_is_kept() -> None:
    read = reader(asks_usage=False)
    out, _ = read_all(read, WHOLE + DONE)
    assert COUNT not in out
    assert read.usage is not None
    body = CHAT.request(asked("chat", {"model": "m", "stream": True, "n": 1}), TARGET, None).body
    assert json.loads(body) == {"model": "there", "stream": True, "n": 1, "stream_options": {"include_usage": True}}


def test_a_usage_of_zeros_is_zero_and_none_is_unknown() -> None:
    read = reader()
    read.feed(sse({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}))
    assert read.usage == TokenUsage()
    silent = reader()
    read_all(silent, HEAD + HELLO + STOP + DONE)
    assert silent.usage is None


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "Overloaded", "type": "server_error", "code": "overloaded"}, "retry", 503),
        ({"message": "too long", "code": "context_length_exceeded", "type": "invalid_request_error"}, "context", 400),
        ({"message": "Provider returned error", "code": 502}, "retry", 502),
        ("Model unloaded", "retry", 500),
    ],
)
def test_an_error_inside_the_stream_is_a_fault_in_the_providers_words(error: Any, kind: str, status: int) -> None:
    read, event = reader(), sse({"error": error})
    assert read_all(read, HEAD + event + STOP + DONE) == (HEAD, False)
    assert not read.is_complete
    assert read.fault is not None
    assert (read.fault.kind, read.fault.status) == (kind, status)
    assert json.loads(read.fault.body) == {"error": error}
    assert read.interruption("ours") == event


def test_only_the_model_changes_on_the_way_out() -> None:
    raw = '{"messages": [{"role":"user","content":"ä"}], "temperature":1.0, "model" : "route", "x_future": {"a": [1, null]}}'.encode()
    sent = CHAT.request(asked("chat", raw=raw, headers=(("x-app", "cli"),), query="api-version=1"), TARGET, None)
    assert sent.body == raw.replace(b'"route"', b'"there"')
    assert (sent.path, sent.query) == ("/chat/completions", "api-version=1")
    assert sent.headers == (("x-app", "cli"), ("content-type", "application/json"))


def test_a_whole_answer_passes_and_is_looked_into() -> None:
    body = {"choices": [{"message": {"content": "four", "reasoning_content": "hm"}}], "usage": USAGE, "x_vendor": 1}
    answer = CHAT.whole(asked("chat", {"model": "m"}), TARGET, {}, orjson.dumps(body))
    assert (answer.body, answer.usage, answer.produced_chars) == (orjson.dumps(body), TokenUsage(10, 6, 0, 0, 4), 6)


@pytest.mark.parametrize("body", [b'{"choices": [{"mess', b"", b"[]", b"{}", b'{"choices": []}', b"<html>", b'{"choices": "x"}'])
def test_half_an_answer_is_none(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        CHAT.whole(asked("chat", {"model": "m"}), TARGET, {}, body)


def test_a_refusal_under_200_is_no_answer_either() -> None:
    with pytest.raises(FaultInside) as refused:
        CHAT.whole(asked("chat", {"model": "m"}), TARGET, {}, b'{"error":{"message":"slow down","code":429}}')
    assert (refused.value.fault.kind, refused.value.fault.status) == ("retry", 429)


@given(st.lists(st.sampled_from(["tools", "text", "reasoning"]), max_size=3), st.booleans())
def test_a_replay_reads_like_the_stream_that_it_stands_for(parts: list[str], asks_usage: bool) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "hello" if "text" in parts else None, "annotations": [{"a": 1}]}
    if "reasoning" in parts:
        message["reasoning_content"] = "because"
    if "tools" in parts:
        message["tool_calls"] = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(2)]
    kept = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE}
    body = {"model": "m", "stream": True, "stream_options": {"include_usage": asks_usage}}
    events = CHAT.replay(asked("chat", body), orjson.dumps(kept))
    assert events[-1] == DONE
    read = CHAT.reader(asked("chat", body), TARGET)
    read_all(read, b"".join(events))
    assert read.is_complete
    assert (read.usage is not None) == asks_usage
    deltas = [each["choices"][0]["delta"] for each in values(b"".join(events)) if each["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == (message["content"] or "")
    assert [call["index"] for delta in deltas for call in delta.get("tool_calls", [])] == list(range(len(message.get("tool_calls", []))))
    assert deltas[0]["annotations"] == [{"a": 1}]
