"""A provider's own API behind the gateway (Cloudflare's second URL)."""

import base64
import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, sse, target_of, values
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of, is_native_stream, told_in_stream
from tools.ai_gateway.dialects.framing.aws_event_stream import written_message
from tools.ai_gateway.dialects.native.paths import NativePath, read_path
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.token_usage import TokenUsage

GEMINI_USAGE = {"promptTokenCount": 15, "candidatesTokenCount": 12, "thoughtsTokenCount": 8, "cachedContentTokenCount": 5}


@pytest.mark.parametrize(
    ("dialect", "path", "kind", "model", "is_stream"),
    [
        ("gemini", "v1beta/models/gemini-m+a=1:generateContent", "generateContent", "gemini-m+a=1", False),
        ("gemini", "/v1beta/models/gemini-m%2Bx:streamGenerateContent", "streamGenerateContent", "gemini-m+x", True),
        ("bedrock", "model/arn%3Aaws%3Ax%2Fy/converse-stream", "converse-stream", "arn:aws:x/y", True),
        ("workers_ai", "ai/run/@cf/qwen/qwen3", "run", "@cf/qwen/qwen3", False),
        ("openai", "chat/completions", "chat/completions", "", False),
        ("openai", "v1/responses", "responses", "", False),
        ("anthropic", "v1/messages", "messages", "", False),
        ("openai", "files/f-1", "", "", False),
    ],
)
def test_a_path_tells_endpoint_model_and_whether_it_streams(dialect: Dialect, path: str, kind: str, model: str, is_stream: bool) -> None:
    read = read_path(dialect, path)
    assert (read, read.is_stream) == (NativePath(kind, model), is_stream)


def native(dialect: Dialect, path: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
    return asked("native", body, native_provider=dialect, native_path=path, **more)


def test_a_native_body_passes_and_the_callers_credential_does_not() -> None:
    request = native("gemini", "v1beta/models/g:streamGenerateContent", {"contents": []}, query="alt=sse&key=asc_ak_1")
    sent = exchange_of("native", provider_of("gemini")).request(request, target_of("gemini"), None)
    assert (sent.path, sent.query, sent.body) == ("/v1beta/models/g:streamGenerateContent", "alt=sse", request.raw)


def test_a_version_is_not_said_twice_and_a_body_names_the_providers_model() -> None:
    request = native("openai", "v1/chat/completions", {"model": "openai/m", "stream": True})
    sent = exchange_of("native", provider_of("openai")).request(request, target_of("openai", "m"), None)
    assert sent.path == "/chat/completions"
    assert json.loads(sent.body) == {"model": "m", "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize("path", ["v1/../../admin", "v1/%2e%2e/x", "..", "a/..%5cb"])
def test_no_path_leaves_the_base_url(path: str) -> None:
    with pytest.raises(ModelCallRefused):
        exchange_of("native", provider_of("openai")).request(native("openai", path), target_of("openai"), None)


def test_gemini_is_read_as_it_passes_and_its_last_event_is_the_terminal_mark() -> None:
    first = sse({"candidates": [{"index": 0, "content": {"parts": [{"text": "why", "thought": True}, {"text": "hi"}]}}]})
    last = sse({"candidates": [{"index": 0, "content": {"parts": []}, "finishReason": "STOP"}], "usageMetadata": GEMINI_USAGE})
    exchange = exchange_of("native", provider_of("gemini"))
    request = native("gemini", "v1beta/models/g:streamGenerateContent", {"contents": []})
    read = exchange.reader(request, target_of("gemini"))
    assert read_all(read, first + last, [5, 17]) == (first, False)
    assert (read.is_complete, read.terminal, read.produced_chars) == (True, last, 5)
    assert read.usage == TokenUsage(15, 5, 0, 0, 20, 8)
    cut = exchange.reader(request, target_of("gemini"))
    read_all(cut, first)
    assert not cut.is_complete
    assert b'"status":"UNAVAILABLE"' in cut.interruption("cut")


def test_a_prompt_that_gemini_blocked_is_an_answer() -> None:
    body = b'{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}'
    request = native("gemini", "v1beta/models/g:generateContent", {"contents": []})
    answer = exchange_of("native", provider_of("gemini")).whole(request, target_of("gemini"), {}, body)
    assert answer.usage == TokenUsage(4)


def test_workers_ai_is_read_as_it_passes() -> None:
    stream = sse({"response": "hi ", "p": "abc"}) + sse({"response": "", "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    exchange = exchange_of("native", provider_of("workers_ai"))
    request = native("workers_ai", "ai/run/@cf/a/b", {"prompt": "x", "stream": True})
    read = exchange.reader(request, target_of("workers_ai"))
    assert read_all(read, stream + sse("[DONE]")) == (stream, False)
    assert (read.is_complete, read.usage, read.terminal) == (True, TokenUsage(3, output_tokens=1), sse("[DONE]"))


def test_an_endpoint_that_nobody_knows_passes_with_what_it_says() -> None:
    exchange = exchange_of("native", provider_of("openai"))
    request = native("openai", "audio/speech", {"model": "tts", "input": "x"})
    assert exchange.request(request, target_of("openai"), None).body == request.raw
    assert exchange.whole(request, target_of("openai"), {"content-type": "audio/mpeg"}, b"\xff\xfb").content_type == "audio/mpeg"
    answer = exchange.whole(request, target_of("openai"), {}, b'{"usage":{"input_tokens":4,"output_tokens":0}}')
    assert answer.usage == TokenUsage(4)


def test_a_stream_of_gemini_without_alt_sse_is_one_json() -> None:
    path = "v1beta/models/g:streamGenerateContent"
    assert is_native_stream("gemini", path, "alt=sse")
    assert not is_native_stream("gemini", path, "")
    answers = [{"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}, {"candidates": [], "usageMetadata": GEMINI_USAGE}]
    request = native("gemini", path, {"contents": []})
    answer = exchange_of("native", provider_of("gemini")).whole(request, target_of("gemini"), {}, json.dumps(answers).encode())
    assert (answer.usage, answer.produced_chars) == (TokenUsage(15, 5, 0, 0, 20, 8), 2)


def test_invoke_streams_of_bedrock_are_read_in_their_wrapping() -> None:
    metrics = {"inputTokenCount": 3, "outputTokenCount": 2, "cacheReadInputTokenCount": 4}
    chunks: list[dict[str, Any]] = [
        {"type": "message_start"},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics},
    ]
    headers = {":message-type": "event", ":event-type": "chunk"}
    frames = [
        written_message(headers, json.dumps({"bytes": base64.b64encode(json.dumps(each).encode()).decode()}).encode()) for each in chunks
    ]
    request = native("bedrock", "model/claude/invoke-with-response-stream", {})
    read = exchange_of("native", provider_of("bedrock")).reader(request, target_of("bedrock"))
    assert list(read.feed(frames[0])) == [frames[0]]
    assert not read.has_content
    assert read_all(read, frames[1] + frames[2]) == (frames[1], False)
    assert (read.is_complete, read.is_over, read.terminal, read.usage) == (True, True, frames[2], TokenUsage(7, 4, 0, 0, 2))
    assert read.content_type == "application/vnd.amazon.eventstream"


def test_an_overlong_prompt_of_a_streamed_response_is_told_inside_the_stream() -> None:
    """Codex reads it nowhere else."""
    fault = exchange_of("responses", provider_of("anthropic")).fault(
        400, {}, b'{"error":{"message":"prompt is too long: 5 tokens > 4 maximum"}}'
    )
    told = told_in_stream("responses", fault)
    assert told is not None
    (event,) = values(told)
    assert (event["type"], event["response"]["error"]["code"]) == ("response.failed", "context_length_exceeded")
    assert told_in_stream("chat", fault) is None
    assert told_in_stream("responses", exchange_of("responses", provider_of("openai")).fault(400, {}, b"{}")) is None
