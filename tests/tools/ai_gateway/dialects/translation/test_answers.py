"""Every caller hears what every provider said, whole and streamed, wherever the stream is cut."""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, target_of
from tests.tools.ai_gateway.dialects.translation.heard import Heard, heard_stream, heard_whole
from tests.tools.ai_gateway.dialects.translation.spoken import Said, spoken
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.framing.aws_event_stream import MessageSplitter, read_message, written_message
from tools.ai_gateway.model_request import ModelRequest, Surface
from tools.ai_gateway.token_usage import TokenUsage

PAIRS: list[tuple[Surface, Dialect]] = [
    ("chat", "anthropic"), ("chat", "gemini"), ("chat", "bedrock"), ("chat", "workers_ai"),
    ("messages", "openai"), ("messages", "gemini"), ("messages", "bedrock"), ("messages", "workers_ai"),
    ("responses", "openai"), ("responses", "anthropic"), ("responses", "gemini"), ("responses", "bedrock"), ("responses", "workers_ai"),
]  # fmt: skip
pairs = pytest.mark.parametrize(("surface", "dialect"), PAIRS, ids=[f"{surface}-{dialect}" for surface, dialect in PAIRS])

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
tool_calls = st.lists(
    st.tuples(st.sampled_from(["look", "go"]), st.dictionaries(texts, texts | st.integers(-5, 5), max_size=2)), max_size=3
)
said_things = st.builds(Said, text=texts, thought=st.just("") | texts, calls=tool_calls.map(tuple), is_cut=st.booleans())

FINISHES = {
    "chat": ("stop", "tool_calls", "length"),
    "messages": ("end_turn", "tool_use", "max_tokens"),
    "responses": ("completed", "completed", "incomplete"),
}


def request_of(surface: Surface, is_stream: bool) -> ModelRequest:
    body: dict[str, Any] = {"model": "m", "stream": is_stream}
    body |= {"input": "hello"} if surface == "responses" else {"messages": [{"role": "user", "content": "hello"}]}
    if surface == "chat":
        body["stream_options"] = {"include_usage": True}
    return asked(surface, body | ({"max_tokens": 9} if surface == "messages" else {}))


def expected(surface: Surface, dialect: Dialect, said: Said) -> Heard:
    if dialect == "workers_ai":
        said = Said(said.text, "", said.calls, TokenUsage(100, output_tokens=7))
    if dialect == "gemini":
        said = Said(said.text, said.thought, said.calls, TokenUsage(100, 30, output_tokens=7), said.is_cut)
    stop, calls, length = FINISHES[surface]
    return Heard(
        said.text, said.thought, list(said.calls), length if said.is_cut else calls if said.calls else stop, used(surface, said.usage)
    )


def used(surface: Surface, usage: TokenUsage) -> dict[str, Any]:
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    if surface == "messages":
        given = usage.input_tokens - cached - written
        return {
            "input_tokens": given,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": cached,
            "output_tokens": usage.output_tokens,
        }
    details, total = {"cached_tokens": cached, "cache_write_tokens": written}, usage.input_tokens + usage.output_tokens
    names = ("prompt", "completion") if surface == "chat" else ("input", "output")
    return {
        f"{names[0]}_tokens": usage.input_tokens, f"{names[0]}_tokens_details": details, "total_tokens": total,
        f"{names[1]}_tokens": usage.output_tokens, f"{names[1]}_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip


def provider(surface: Surface, dialect: Dialect) -> Any:
    return provider_of(dialect, has_responses=False)


@pairs
@settings(max_examples=15)
@given(said=said_things)
def test_a_whole_answer_is_heard_as_it_was_said(surface: Surface, dialect: Dialect, said: Said) -> None:
    exchange = exchange_of(surface, provider(surface, dialect))
    whole, _ = spoken(dialect, said)
    answer = exchange.whole(request_of(surface, False), target_of(dialect), {}, whole)
    assert heard_whole(surface, answer.body) == expected(surface, dialect, said)


@pairs
@settings(max_examples=15)
@given(said=said_things, cuts=st.lists(st.integers(0, 5000), max_size=6))
def test_a_stream_is_heard_as_it_was_said_wherever_it_is_cut(surface: Surface, dialect: Dialect, said: Said, cuts: list[int]) -> None:
    exchange = exchange_of(surface, provider(surface, dialect))
    _, stream = spoken(dialect, said)
    reader = exchange.reader(request_of(surface, True), target_of(dialect))
    out, is_garbage = read_all(reader, stream, cuts)
    assert (is_garbage, reader.is_complete, reader.has_content, reader.fault) == (False, True, True, None)
    assert heard_stream(surface, out + reader.terminal) == expected(surface, dialect, said)
    # Who does not wait for the end of the body gets the same.
    early = exchange.reader(request_of(surface, True), target_of(dialect))
    assert heard_stream(surface, b"".join(early.feed(stream)) + early.terminal) == expected(surface, dialect, said)


@pairs
@settings(max_examples=10)
@given(share=st.floats(0, 0.98), garbage=st.binary(max_size=9))
def test_a_stream_that_breaks_off_or_is_damaged_never_looks_complete(
    surface: Surface, dialect: Dialect, share: float, garbage: bytes
) -> None:
    exchange = exchange_of(surface, provider(surface, dialect))
    _, stream = spoken(dialect, Said("a longer text", "and a thought", (("look", {"a": "b"}),)))
    # Behind the finish reason nothing is missing but usage, and with Workers AI that is the finish.
    last = max(stream.find(mark) for mark in (b'finish_reason": "', b"message_stop", b"finishReason", b"messageStop", b"completion_tokens"))
    cut = int(min(last, len(stream)) * share)
    reader = exchange.reader(request_of(surface, True), target_of(dialect))
    out, is_garbage = read_all(reader, stream[:cut] + garbage)
    assert not reader.is_complete
    for mark in (b"[DONE]", b"message_stop", b"response.completed"):
        assert mark not in out + reader.interruption("it broke off")
    assert b"it broke off" in reader.interruption("it broke off") or is_garbage


#: a text, a number, a word, an object or a list without others in it
VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|\{[^{}]*\}|\[[^\[\]]*\]')
OTHERS = [b"null", b"[]", b"{}", b"1", b'""', b"true", b'"x"', b"-0.5", b"\xff", b"[null]", b'{"a":1}', b"[{}]", b'"\\ud83d"', b"1" * 30]


def with_another_value(data: st.DataObject, body: bytes) -> bytes:
    found = data.draw(st.sampled_from(list(VALUE.finditer(body))))
    return body[: found.start()] + data.draw(st.sampled_from(OTHERS)) + body[found.end() :]


@pairs
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_a_provider_answers_is_an_answer_or_malformed(surface: Surface, dialect: Dialect, data: st.DataObject) -> None:
    """No provider's bytes may end in another exception: that would be our fault, and a 500."""
    exchange = exchange_of(surface, provider(surface, dialect))
    whole, stream = spoken(dialect, Said("text", "thought", (("look", {"a": "b"}), ("go", {}))))
    with contextlib.suppress(MalformedAnswer):
        exchange.whole(request_of(surface, False), target_of(dialect), {}, with_another_value(data, whole))
    reader = exchange.reader(request_of(surface, True), target_of(dialect))
    read_all(
        reader,
        framed(stream, lambda payload: with_another_value(data, payload)) if dialect == "bedrock" else with_another_value(data, stream),
    )
    assert isinstance(reader.interruption("x"), bytes)


def framed(stream: bytes, changed: Callable[[bytes], bytes]) -> bytes:
    """Return a binary stream one of whose payloads is another; its checksums are right."""
    messages = MessageSplitter().feed(stream)
    headers, payload = read_message(messages[2])
    return b"".join([*messages[:2], written_message(headers, changed(payload)), *messages[3:]])
