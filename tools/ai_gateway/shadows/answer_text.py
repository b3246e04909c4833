"""The words of an answer, in whichever dialect of its caller; they are compared, and not kept."""

from collections.abc import Iterator

import orjson

from tools.operation import Json


def answer_text(body: bytes) -> str:
    """Return what an answer says: texts, then names and arguments of the tools that it calls; "" for what is no answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return "\n".join(_words(answer)) if isinstance(answer, dict) else ""


def _words(answer: dict[str, Json]) -> Iterator[str]:
    for choice in _dicts(answer.get("choices")):
        yield from _said(choice.get("message"))
    for part in (*_dicts(answer.get("content")), *_dicts(answer.get("output"))):
        yield from _said(part)


def _said(message: Json) -> Iterator[str]:
    """Yield the words of a message, a part of one, or a call of a tool."""
    if not isinstance(message, dict):
        return
    for name in ("text", "content", "name", "arguments"):
        value = message.get(name)
        if isinstance(value, str) and value:
            yield value
    if isinstance(given := message.get("input"), dict):
        yield orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode()
    for part in _dicts(message.get("content")):
        yield from _said(part)
    for call in _dicts(message.get("tool_calls")):
        yield from _said(call.get("function"))


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
