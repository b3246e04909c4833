"""An Anthropic message as events."""

from typing import Any

from tools.ai_gateway.dialects.framing.event_stream import event
from tools.json_text import encode
from tools.operation import Json

#: kind of block -> its text, and the delta that carries it
_DELTAS = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}


def replay_message(answer: Json, _with_usage: bool) -> list[bytes]:
    """Return the events of `answer`, `message_stop` included; a message always says its usage."""
    usage = answer.get("usage") or {"input_tokens": 0, "output_tokens": 0}
    opening = {**answer, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 0}}
    events = [_event("message_start", message=opening)]
    for index, block in enumerate(answer["content"]):
        events += _block(index, block)
    delta = {"stop_reason": answer.get("stop_reason"), "stop_sequence": answer.get("stop_sequence")}
    return [*events, _event("message_delta", delta=delta, usage=usage), _event("message_stop")]


def _block(index: int, block: dict[str, Any]) -> list[bytes]:
    kind = block.get("type")
    deltas: list[dict[str, Any]] = []
    begun = dict(block)
    if kind in _DELTAS:
        name, delta = _DELTAS[kind]
        begun[name] = ""
        deltas.append({"type": delta, name: block.get(name) or ""})
        if kind == "thinking":
            begun["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": block.get("signature") or ""})
        for citation in block.get("citations") or ():
            deltas.append({"type": "citations_delta", "citation": citation})
        if "citations" in begun:
            begun["citations"] = []
    elif isinstance(block.get("input"), dict):
        begun["input"] = {}
        deltas.append({"type": "input_json_delta", "partial_json": encode(block["input"]).decode()})
    return [
        _event("content_block_start", index=index, content_block=begun),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _event(kind: str, **members: Json) -> bytes:
    return event(encode({"type": kind, **members}), kind)
