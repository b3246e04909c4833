"""Refusals in the caller's words, calls that interleave, and tools that take any text."""

import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, named, provider_of, read_all, sse, target_of, values
from tools.ai_gateway.dialects.exchange import FaultInside
from tools.ai_gateway.dialects.exchanges import exchange_of

TOO_LONG = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens."
CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
MESSAGE = {**CHAT, "max_tokens": 9}


def test_an_overlong_prompt_is_told_as_claude_code_understands_it() -> None:
    fault = exchange_of("messages", provider_of("openai")).fault(
        400, {}, json.dumps({"error": {"message": TOO_LONG, "code": "x"}}).encode()
    )
    told = json.loads(fault.body)
    assert fault.kind == "context"
    assert told["error"]["message"].startswith("prompt is too long: 130001 tokens > 128000 maximum")
    assert told["error"]["type"] == "invalid_request_error"


def test_an_overlong_prompt_is_told_as_openais_clients_understand_it() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 5 tokens > 4 maximum"}}'
    fault = exchange_of("chat", provider_of("anthropic")).fault(400, {}, body)
    assert json.loads(fault.body)["error"]["code"] == "context_length_exceeded"


def test_a_page_of_html_becomes_an_error_of_the_callers_dialect() -> None:
    fault = exchange_of("messages", provider_of("gemini")).fault(503, {"content-type": "text/html"}, b"<html><h1>No server</h1></html>")
    assert (fault.kind, fault.status, fault.content_type) == ("retry", 503, "application/json")
    assert json.loads(fault.body)["error"] == {"type": "overloaded_error", "message": "No server"}


def test_bedrock_names_its_refusals_in_a_header() -> None:
    exchange = exchange_of("chat", provider_of("bedrock"))
    fault = exchange.fault(400, {"x-amzn-errortype": "ServiceQuotaExceededException:http://internal"}, b'{"message":"no more"}')
    assert fault.kind == "quota"


def test_a_refusal_under_200_is_told_too() -> None:
    with pytest.raises(FaultInside) as refused:
        exchange_of("messages", provider_of("workers_ai")).whole(
            asked("messages", MESSAGE),
            target_of("workers_ai"),
            {},
            b'{"success":false,"errors":[{"code":3040,"message":"Capacity exceeded"}]}',
        )
    assert json.loads(refused.value.fault.body)["error"]["message"] == "Capacity exceeded"


@pytest.mark.parametrize("surface", ["chat", "responses"])
def test_an_error_inside_a_stream_reaches_a_caller_of_another_dialect_in_the_providers_words(surface: Any) -> None:
    (start,) = named({"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": {"input_tokens": 3, "output_tokens": 0}}})
    (error,) = named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    body = {"model": "m", "input": "x"} if surface == "responses" else CHAT
    read = exchange_of(surface, provider_of("anthropic")).reader(asked(surface, body), target_of("anthropic"))
    read_all(read, start + error)
    assert read.fault is not None
    assert (read.fault.kind, read.fault.status, read.is_complete) == ("retry", 529, False)
    assert json.loads(read.fault.body)["error"]["message"] == "Overloaded"
    (told,) = values(read.interruption("ours"))
    assert "Overloaded" in json.dumps(told)


def test_clients_of_anthropic_never_see_an_empty_prompt_in_the_first_event() -> None:
    read = exchange_of("messages", provider_of("openai")).reader(asked("messages", MESSAGE), target_of("openai"))
    (start,) = values(b"".join(read.feed(sse({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}))))
    assert start["message"]["usage"]["input_tokens"] > 0
    assert start["message"]["model"] == "m"


CUSTOM = {"type": "custom", "name": "patch", "description": "any text"}


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_tool_that_takes_any_text_is_called_with_text(is_stream: bool) -> None:
    body = {"model": "m", "input": "x", "tools": [CUSTOM]}
    exchange = exchange_of("responses", provider_of("anthropic"))
    request, target = asked("responses", body), target_of("anthropic")
    assert json.loads(exchange.request(request, target, None).body)["tools"][0]["input_schema"]["required"] == ["input"]
    block = {"type": "tool_use", "id": "t", "name": "patch", "input": {"input": "*** größe"}}
    if is_stream:
        reader = exchange.reader(request, target)
        stream = named(
            {"type": "message_start", "message": {"id": "msg_1", "model": "c"}},
            {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": each}}
                for each in ('{"inp', 'ut":"*** größe"}')
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        )
        out, _ = read_all(reader, b"".join(stream))
        events = values(out + reader.terminal)
        assert [each["delta"] for each in events if each["type"] == "response.custom_tool_call_input.delta"] == ["*** größe"]
        output = events[-1]["response"]["output"]
    else:
        whole = {"id": "msg_1", "model": "c", "content": [block], "stop_reason": "tool_use"}
        output = json.loads(exchange.whole(request, target, {}, json.dumps(whole).encode()).body)["output"]
    (item,) = output
    assert (item["type"], item["name"], item["input"], item["call_id"]) == ("custom_tool_call", "patch", "*** größe", "t")


def test_calls_with_one_index_and_new_ids_are_several_calls() -> None:
    """Some servers give every call index 0."""
    read = exchange_of("messages", provider_of("openai")).reader(asked("messages", MESSAGE), target_of("openai"))
    calls = [{"index": 0, "id": f"c{n}", "function": {"name": "look", "arguments": f'{{"n":{n}}}'}} for n in range(3)]
    chunks = [sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}) for call in calls]
    out, _ = read_all(read, b"".join(chunks) + sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    starts = [each["content_block"]["id"] for each in values(out) if each["type"] == "content_block_start"]
    deltas = [json.loads(each["delta"]["partial_json"])["n"] for each in values(out) if each["type"] == "content_block_delta"]
    assert (starts, deltas) == (["c0", "c1", "c2"], [0, 1, 2])
    assert values(out)[-1]["delta"]["stop_reason"] == "tool_use"
