"""Events of megabytes: pictures pass unread, texts are read up to a bound, and what is handed on in other words is whole."""

import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, sse, target_of, values
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchange import MalformedAnswer, StreamReader
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.framing.event_stream import MAX_READ_BYTES
from tools.ai_gateway.dialects.framing.pictures import without_pictures
from tools.ai_gateway.model_request import Surface

PICTURE = "iVBORw0KGgo/+" * 800_000


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


CHAT = [
    chunk({"images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]}),
    chunk({"content": "Grüße"}),
    chunk({}, "stop"),
]
RESPONSES = [
    {"type": "response.image_generation_call.partial_image", "sequence_number": 1, "partial_image_b64": PICTURE},
    {"type": "response.output_text.delta", "sequence_number": 2, "delta": "Grüße"},
    {"type": "response.completed", "sequence_number": 3, "response": {"output": [{"result": PICTURE}], "usage": {"input_tokens": 7}}},
]
GEMINI = [
    {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "Grüße"}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 7}},
]


def reader_of(surface: Surface, dialect: Dialect, path: str = "") -> StreamReader:
    request = asked(surface, {"model": "m", "stream": True, "messages": []}, native_path=path)
    return exchange_of(surface, provider_of(dialect)).reader(request, target_of(dialect))


@pytest.mark.parametrize(
    ("surface", "dialect", "path", "events"),
    [
        ("chat", "openai", "", CHAT),
        ("responses", "openai", "", RESPONSES),
        ("native", "gemini", "/v1beta/models/m:streamGenerateContent", GEMINI),
    ],
)
def test_a_picture_passes_as_it_came(surface: Surface, dialect: Dialect, path: str, events: list[dict[str, Any]]) -> None:
    stream = b"".join(sse(each, str(each.get("type", ""))) for each in events)
    read = reader_of(surface, dialect, path)
    out, is_garbage = read_all(read, stream, [100_000, 5_000_000])
    assert (out + read.terminal.removesuffix(b"data: [DONE]\n\n"), is_garbage) == (stream, False)
    assert read.is_complete
    assert read.has_content
    assert 5 <= read.produced_chars < 10


@pytest.mark.parametrize("surface", ["chat", "messages"])
@pytest.mark.parametrize("text", ["\n" * (MAX_READ_BYTES // 2), "with blanks " * (MAX_READ_BYTES // 12)])
def test_a_text_beyond_the_bound_is_no_event(surface: Surface, text: str) -> None:
    read = reader_of(surface, "openai")
    with pytest.raises(MalformedAnswer, match="bytes of text"):
        read.feed(sse(chunk({"content": text})))
    assert not read.is_complete


def test_what_is_said_in_other_words_loses_nothing() -> None:
    """Text without a blank looks like a picture; the caller of another dialect gets all of it."""
    text = "a" * 1_000_000
    out, is_garbage = read_all(reader_of("messages", "openai"), sse(chunk({"content": text})))
    assert not is_garbage
    assert [each["delta"]["text"] for each in values(out) if each["type"] == "content_block_delta"] == [text]


@pytest.mark.parametrize(
    "value",
    [
        {"numbers": list(range(20_000))},
        {"t": "words " * 20_000, "u": "\\" * 70_000, "v": '"' * 20_000},
        {"t": "a" * 1_000, "n": int("9" * 4_000)},
        [{"a": "b"}] * 12_000 + ["a" * 70_000],
    ],
)
def test_what_is_no_picture_stays(value: Any) -> None:
    data = json.dumps(value).encode()
    assert without_pictures(data) == data


def test_of_a_picture_its_head_is_left() -> None:
    event = {"a": 1, "b": f"data:image/png;base64,{PICTURE}", "c": ["x", PICTURE, {"d": "\n" * 100_000}]}
    event_left = json.loads(without_pictures(json.dumps(event).encode()))
    assert event_left == {"a": 1, "b": event["b"][:240], "c": ["x", PICTURE[:240], {"d": "\n" * 100_000}]}  # type: ignore[index]
