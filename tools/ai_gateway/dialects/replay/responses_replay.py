"""A response as events, in the order in which OpenAI sends them."""

from typing import Any

import orjson

from tools.ai_gateway.dialects.framing.event_stream import event
from tools.operation import Json


def replay_response(answer: Json, _with_usage: bool) -> list[bytes]:
    """Return the events of `answer`; the last is `response.completed`, or `response.incomplete` where it is."""
    events: list[bytes] = []

    def add(kind: str, **members: Json) -> None:
        events.append(event(orjson.dumps({"type": kind, "sequence_number": len(events), **members}), kind))

    begun = {**answer, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    add("response.created", response=begun)
    add("response.in_progress", response=begun)
    for index, item in enumerate(answer["output"]):
        for kind, members in _item(index, item):
            add(kind, **members)
    add("response.incomplete" if answer.get("status") == "incomplete" else "response.completed", response=answer)
    return events


def _item(index: int, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    at = {"output_index": index, "item_id": item.get("id")}
    kind = item.get("type")
    begun, steps = dict(item), []
    if "status" in begun:
        begun["status"] = "in_progress"
    if kind == "message":
        begun["content"] = []
        for number, part in enumerate(item.get("content") or ()):
            steps += _part({**at, "content_index": number}, part)
    elif kind == "reasoning":
        begun["summary"] = []
        for number, part in enumerate(item.get("summary") or ()):
            place, text = {**at, "summary_index": number}, part.get("text") or ""
            steps.append(("response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}))
            steps.append(("response.reasoning_summary_text.delta", {**place, "delta": text}))
            steps.append(("response.reasoning_summary_text.done", {**place, "text": text}))
            steps.append(("response.reasoning_summary_part.done", {**place, "part": part}))
    elif kind == "function_call":
        begun["arguments"], text = "", item.get("arguments") or ""
        steps.append(("response.function_call_arguments.delta", {**at, "delta": text}))
        steps.append(("response.function_call_arguments.done", {**at, "arguments": text, "name": item.get("name")}))
    elif kind == "custom_tool_call":
        begun["input"], text = "", item.get("input") or ""
        steps.append(("response.custom_tool_call_input.delta", {**at, "delta": text}))
        steps.append(("response.custom_tool_call_input.done", {**at, "input": text}))
    opening = ("response.output_item.added", {"output_index": index, "item": begun})
    return [opening, *steps, ("response.output_item.done", {"output_index": index, "item": item})]


def _part(place: dict[str, Any], part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    name = "refusal" if part.get("type") == "refusal" else "text"
    kind, text = "response.refusal" if name == "refusal" else "response.output_text", part.get(name) or ""
    more = {} if name == "refusal" else {"logprobs": part.get("logprobs") or []}
    steps = [
        ("response.content_part.added", {**place, "part": {**part, name: ""}}),
        (f"{kind}.delta", {**place, "delta": text, **more}),
    ]
    for number, annotation in enumerate(part.get("annotations") or ()):
        steps.append(("response.output_text.annotation.added", {**place, "annotation_index": number, "annotation": annotation}))
    return [*steps, (f"{kind}.done", {**place, name: text, **more}), ("response.content_part.done", {**place, "part": part})]
