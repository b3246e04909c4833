"""What a caller's client makes of an answer, whole or streamed; and that a stream keeps the order its client relies on."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.tools.ai_gateway.dialects.model_calls import values
from tools.ai_gateway.model_request import Surface


@dataclass
class Heard:
    text: str = ""
    thought: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)


def heard_whole(surface: Surface, body: bytes) -> Heard:
    answer = json.loads(body)
    if surface == "chat":
        message = answer["choices"][0]["message"]
        calls = [(each["function"]["name"], json.loads(each["function"]["arguments"])) for each in message.get("tool_calls", [])]
        finish = answer["choices"][0]["finish_reason"]
        return Heard(message["content"] or "", message.get("reasoning_content", ""), calls, finish, answer["usage"])
    if surface == "messages":
        return _message(answer["content"], answer["stop_reason"], answer["usage"])
    return _response(answer)


def _message(content: list[dict[str, Any]], finish: str, usage: dict[str, Any]) -> Heard:
    text = "".join(each["text"] for each in content if each["type"] == "text")
    thought = "".join(each["thinking"] for each in content if each["type"] == "thinking")
    calls = [(each["name"], each["input"]) for each in content if each["type"] == "tool_use"]
    return Heard(text, thought, calls, finish, usage)


def _response(answer: dict[str, Any]) -> Heard:
    heard = Heard(finish=answer["status"], usage=answer["usage"])
    for item in answer["output"]:
        if item["type"] == "message":
            heard.text += "".join(part["text"] for part in item["content"])
        elif item["type"] == "reasoning":
            heard.thought += "".join(part["text"] for part in item["summary"])
        else:
            heard.calls.append((item["name"], json.loads(item["arguments"])))
    return heard


def heard_stream(surface: Surface, stream: bytes) -> Heard:
    events = values(stream)
    return {"chat": _chat_stream, "messages": _message_stream, "responses": _response_stream}[surface](events)


def _chat_stream(events: list[dict[str, Any]]) -> Heard:
    heard, calls = Heard(), list[list[str]]()
    for chunk in events:
        heard.usage = chunk.get("usage") or heard.usage
        for choice in chunk["choices"]:
            delta = choice["delta"]
            heard.text += delta.get("content") or ""
            heard.thought += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls", []):
                if "id" in call:
                    assert call["index"] == len(calls)
                    calls.append([call["function"]["name"], ""])
                calls[call["index"]][1] += call["function"]["arguments"]
            heard.finish = choice["finish_reason"] or heard.finish
    heard.calls = [(name, json.loads(arguments or "{}")) for name, arguments in calls]
    return heard


def _message_stream(events: list[dict[str, Any]]) -> Heard:
    content: list[dict[str, Any]] = []
    finish, usage, is_open = "", {}, False
    for each in events:
        kind = each["type"]
        if kind == "message_start":
            usage = each["message"]["usage"]
        elif kind == "content_block_start":
            # One block at a time, numbered in order.
            assert not is_open
            assert each["index"] == len(content)
            content.append({**each["content_block"], "json": ""})
            is_open = True
        elif kind == "content_block_delta":
            assert is_open
            block, delta = content[each["index"]], each["delta"]
            for name, member in (("text", "text"), ("thinking", "thinking"), ("signature", "signature"), ("partial_json", "json")):
                block[member] = block.get(member, "") + delta.get(name, "")
        elif kind == "content_block_stop":
            is_open = False
        elif kind == "message_delta":
            assert not is_open
            finish, usage = each["delta"]["stop_reason"], {**usage, **each["usage"]}
    for block in content:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["json"] or "{}")
    return _message(content, finish, usage)


def _response_stream(events: list[dict[str, Any]]) -> Heard:
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete")
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    assert done == last["response"]["output"]
    assert [each["item"]["id"] for each in events if each["type"] == "response.output_item.added"] == [item["id"] for item in done]
    deltas = "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta")
    heard = _response(last["response"])
    assert deltas == heard.text
    return heard
