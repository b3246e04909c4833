"""A response as events."""

from typing import Any

from tools.ai_gateway.dialects.framing.event_stream import event
from tools.ai_gateway.dialects.replay.response_steps import added, done, part_begun, part_delta, part_done, parts_of
from tools.json_text import encode
from tools.operation import Json

_TEXTS = ("text", "refusal", "arguments", "input")


def replay_response(answer: Json, _with_usage: bool) -> list[bytes]:
    """Return the events of `answer`; the last is `response.completed`, or `response.incomplete` where it is."""
    events: list[bytes] = []

    def add(kind: str, members: dict[str, Any]) -> None:
        events.append(event(encode({"type": kind, "sequence_number": len(events), **members}), kind))

    begun = {"response": {**answer, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}}
    add("response.created", begun)
    add("response.in_progress", begun)
    for index, item in enumerate(answer["output"]):
        add(*added(index, item))
        for number, part in enumerate(parts_of(item)):
            text = next((part[name] for name in _TEXTS if part.get(name)), "")
            for step in (*part_begun(index, item, number), part_delta(index, item, number, text), *part_done(index, item, number)):
                add(*step)
        add(*done(index, item))
    add("response.incomplete" if answer.get("status") == "incomplete" else "response.completed", {"response": answer})
    return events
