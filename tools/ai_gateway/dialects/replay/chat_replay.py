"""A chat completion as chunks."""

from typing import Any

from tools.ai_gateway.dialects.framing.event_stream import event
from tools.json_text import encode
from tools.operation import Json

_TEXTS = ("reasoning_content", "reasoning", "content", "refusal")


def replay_chat(answer: Json, with_usage: bool) -> list[bytes]:
    """Return the chunks of `answer`, [DONE] included; unknown members go along in every chunk, those of a message in its first."""
    shared = {name: value for name, value in answer.items() if name not in ("choices", "usage", "object")}
    shared["object"] = "chat.completion.chunk"
    if with_usage:
        shared["usage"] = None

    def chunk(index: int, delta: dict[str, Any], finish: Json = None, logprobs: Json = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return event(encode({**shared, "choices": [choice]}))

    events = []
    for choice in answer["choices"]:
        message, index = choice.get("message") or {}, choice.get("index", 0)
        first = {name: value for name, value in message.items() if name not in (*_TEXTS, "tool_calls") and value is not None}
        events.append(chunk(index, {"role": "assistant", "content": "" if message.get("content") is not None else None, **first}))
        events += [
            chunk(index, {name: message[name]}, logprobs=choice.get("logprobs") if name == "content" else None)
            for name in _TEXTS
            if message.get(name)
        ]
        calls = message.get("tool_calls") or []
        events += [chunk(index, {"tool_calls": [{"index": number, **call}]}) for number, call in enumerate(calls)]
        events.append(chunk(index, {}, choice.get("finish_reason") or "stop"))
    if with_usage and answer.get("usage"):
        events.append(event(encode({**shared, "choices": [], "usage": answer["usage"]})))
    return [*events, event(b"[DONE]")]
