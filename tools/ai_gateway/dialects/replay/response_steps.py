"""The events of one item of a response, as OpenAI orders them: item added; part added, text, part done; item done."""

from typing import Any

Step = tuple[str, dict[str, Any]]
#: kind of item -> the member that holds its text, and what its events are called
_CALLS = {"function_call": ("arguments", "function_call_arguments"), "custom_tool_call": ("input", "custom_tool_call_input")}
_PARTS = {"message": "content", "reasoning": "summary"}


def added(index: int, item: dict[str, Any]) -> Step:
    """Return the event with which a finished `item` began: empty."""
    begun = dict(item)
    if "status" in begun:
        begun["status"] = "in_progress"
    kind = item.get("type", "")
    if kind in _PARTS:
        begun[_PARTS[kind]] = []
    elif kind in _CALLS:
        begun[_CALLS[kind][0]] = ""
    return "response.output_item.added", {"output_index": index, "item": begun}


def done(index: int, item: dict[str, Any]) -> Step:
    return "response.output_item.done", {"output_index": index, "item": item}


def parts_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what of an item has events of its own; a call is its own only part."""
    kind = item.get("type", "")
    if kind in _CALLS:
        return [item]
    return list(item.get(_PARTS[kind]) or ()) if kind in _PARTS else []


def part_begun(index: int, item: dict[str, Any], number: int) -> list[Step]:
    """Return the events before the text of a part of a finished `item`."""
    part = parts_of(item)[number]
    if item["type"] == "message":
        return [("response.content_part.added", {**_place(index, item, number), "part": {**part, _text_member(part): ""}})]
    if item["type"] == "reasoning":
        return [("response.reasoning_summary_part.added", {**_place(index, item, number), "part": {**part, "text": ""}})]
    return []


def part_delta(index: int, item: dict[str, Any], number: int, text: str) -> Step:
    """Return the event that carries `text`; of `item` its kind, id and part count."""
    place = _place(index, item, number)
    if item["type"] in _CALLS:
        return f"response.{_CALLS[item['type']][1]}.delta", {**place, "delta": text}
    if item["type"] == "reasoning":
        return "response.reasoning_summary_text.delta", {**place, "delta": text}
    if item["content"] and _text_member(item["content"][number]) == "refusal":
        return "response.refusal.delta", {**place, "delta": text}
    return "response.output_text.delta", {**place, "delta": text, "logprobs": []}


def part_done(index: int, item: dict[str, Any], number: int) -> list[Step]:
    """Return the events behind the text of a part of a finished `item`."""
    place, part = _place(index, item, number), parts_of(item)[number]
    if item["type"] in _CALLS:
        member, name = _CALLS[item["type"]]
        return [(f"response.{name}.done", {**place, member: part.get(member) or "", "name": item.get("name")})]
    text = part.get(_text_member(part)) or ""
    if item["type"] == "reasoning":
        text_done: Step = ("response.reasoning_summary_text.done", {**place, "text": text})
        return [text_done, ("response.reasoning_summary_part.done", {**place, "part": part})]
    steps: list[Step] = [
        ("response.output_text.annotation.added", {**place, "annotation_index": count, "annotation": annotation})
        for count, annotation in enumerate(part.get("annotations") or ())
    ]
    if _text_member(part) == "refusal":
        steps.append(("response.refusal.done", {**place, "refusal": text}))
    else:
        steps.append(("response.output_text.done", {**place, "text": text, "logprobs": part.get("logprobs") or []}))
    return [*steps, ("response.content_part.done", {**place, "part": part})]


def _text_member(part: dict[str, Any]) -> str:
    return "refusal" if part.get("type") == "refusal" else "text"


def _place(index: int, item: dict[str, Any], number: int) -> dict[str, Any]:
    place = {"output_index": index, "item_id": item.get("id")}
    if item["type"] == "message":
        return {**place, "content_index": number}
    return {**place, "summary_index": number} if item["type"] == "reasoning" else place
