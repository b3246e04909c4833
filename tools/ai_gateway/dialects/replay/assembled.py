"""The events of a complete stream as the whole answer that they stand for: what was asked for as a stream is kept for who does not."""

import operator
from collections.abc import Iterator
from typing import Any

from tools.ai_gateway.dialects.conversation.arguments import object_of
from tools.ai_gateway.dialects.framing.event_stream import EventSplitter, data_of
from tools.ai_gateway.dialects.usage.anthropic_usage import merged
from tools.ai_gateway.dialects.usage.reports import chat_report
from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import decode, encode
from tools.operation import Json

#: nobody waits while more than this is put together; longer streams are kept as they went out
MAX_BYTES = 1 << 20
#: texts that do not go on: some repeat them with every fragment
_SAID_AGAIN = frozenset({"role", "id", "type", "name"})


def assembled(surface: Surface, events: bytes, terminal: bytes, usage: TokenUsage) -> bytes | None:
    """Return the whole answer of a stream that was complete; None for a surface without one, for too much, and for events that do not fit.

    `usage` stands where the events say none, as its chunk went to nobody who had not asked.
    """
    if len(events) > MAX_BYTES:
        return None
    make = {"chat": _chat, "messages": _message, "responses": _response}.get(surface)
    if make is None:
        return None
    try:
        answer = make([*_values(events), *_values(terminal)], usage)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        return None
    return encode(answer) if answer is not None else None


def _values(stream: bytes) -> Iterator[dict[str, Any]]:
    splitter = EventSplitter()
    for block in (*splitter.feed(stream), splitter.rest()):
        data = data_of(block)
        if data and data.strip() != b"[DONE]":
            yield decode(data)


def _chat(chunks: list[dict[str, Any]], usage: TokenUsage) -> dict[str, Any] | None:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        answer |= {name: value for name, value in chunk.items() if name not in ("choices", "usage") or (name == "usage" and value)}
        for part in chunk.get("choices") or ():
            message = {"role": "assistant", "content": None}
            choice = choices.setdefault(part.get("index", 0), {"index": part.get("index", 0), "message": message, "logprobs": None})
            _grow(choice["message"], part.get("delta") or {})
            if part.get("logprobs"):
                choice["logprobs"] = choice["logprobs"] or {}
                _grow(choice["logprobs"], part["logprobs"])
            choice["finish_reason"] = part.get("finish_reason") or choice.get("finish_reason")
    answer.setdefault("usage", chat_report(usage))
    return {**answer, "object": "chat.completion", "choices": [choices[index] for index in sorted(choices)]} if choices else None


def _grow(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta: texts go on, lists too, calls by their index; all else is what was said last."""
    for name, value in delta.items():
        before = whole.get(name)
        if name == "tool_calls":
            _grow_calls(whole.setdefault(name, []), value or [])
        elif isinstance(value, str | list) and type(value) is type(before) and name not in _SAID_AGAIN:
            whole[name] = operator.add(before, value)
        elif isinstance(value, dict) and isinstance(before, dict):
            _grow(before, value)
        elif value is not None:
            whole[name] = value


def _grow_calls(calls: list[dict[str, Any]], fragments: list[dict[str, Any]]) -> None:
    for fragment in fragments:
        rest = {name: value for name, value in fragment.items() if name != "index"}
        index = fragment.get("index", len(calls))
        if index < len(calls):
            _grow(calls[index], rest)
        else:
            calls.append(rest)


def _message(events: list[dict[str, Any]], _usage: TokenUsage) -> dict[str, Any] | None:
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, str] = {}
    for event in events:
        kind, index = event.get("type"), event.get("index", 0)
        if kind == "message_start":
            message = dict(event["message"])
        elif kind == "content_block_start":
            blocks[index] = dict(event["content_block"])
        elif kind == "content_block_delta":
            delta = event["delta"]
            if delta.get("type") == "input_json_delta":
                arguments[index] = arguments.get(index, "") + delta["partial_json"]
            elif delta.get("type") == "citations_delta":
                blocks[index]["citations"] = [*(blocks[index].get("citations") or ()), delta["citation"]]
            else:
                _grow(blocks[index], {name: value for name, value in delta.items() if name != "type"})
        elif kind == "message_delta":
            message |= {name: value for name, value in event["delta"].items() if value is not None}
            message["usage"] = merged(message.get("usage") or {}, event.get("usage"))
    for index, text in arguments.items():
        blocks[index]["input"] = object_of(text)
    return {**message, "content": [blocks[index] for index in sorted(blocks)]} if message else None


def _response(events: list[dict[str, Any]], _usage: TokenUsage) -> Json:
    """Its last event holds it."""
    last = [event["response"] for event in events if event.get("type") in ("response.completed", "response.incomplete")]
    return last[-1] if last else None
