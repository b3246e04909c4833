"""What chat completions and responses have in common in a request."""

import re
from typing import get_args

from tools.ai_gateway.dialects.conversation.conversation import Effort, JsonAnswer, Media, Tool
from tools.ai_gateway.dialects.conversation.members import Members
from tools.ai_gateway.refusals import invalid_request
from tools.operation import Json

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,(.*)", re.DOTALL | re.IGNORECASE)
_EFFORTS: tuple[Effort, ...] = get_args(Effort)
#: OpenAI's hints: losing them changes no answer
HINTS = (
    "model", "stream_options", "user", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    "safety_identifier", "client_metadata",
)  # fmt: skip


def media_at(url: str, path: str, name: str = "", detail: str = "") -> Media:
    """Return what a data URL or an address of https holds."""
    match = _DATA_URL.fullmatch(url)
    if match is not None:
        return Media(match[1].lower(), match[2], name=name, detail=detail)
    if not url.startswith(("https://", "http://")):
        raise invalid_request(f"{path}: a data URL in base64 or an address of https belongs here", path)
    return Media(url=url, name=name, detail=detail)


def file_of(part: Members) -> Media:
    """Return a file that comes with the request; one that was uploaded elsewhere is refused."""
    name, data = part.text("filename"), part.text("file_data") or part.text("file_url")
    if not data:
        raise part.refuse("file_id")
    if not data.startswith(("data:", "http")):  # bare base64, as some send it
        data = f"data:application/pdf;base64,{data}"
    part.leave_if("detail", "auto", "low", "high")
    part.refuse_rest()
    return media_at(data, part.path("file_data"), name or "file")


def effort_of(value: Json, path: str) -> Effort | None:
    if value is None:
        return None
    for effort in _EFFORTS:
        if effort == value:
            return effort
    raise invalid_request(f"{path}: one of {', '.join(_EFFORTS)} belongs here", path)


def json_answer_of(form: Members | None) -> JsonAnswer | None:
    """Return what `response_format` or `text.format` asks for; chat nests the schema, responses do not."""
    if form is None:
        return None
    kind = form.needed_text("type")
    if kind == "json_schema":
        schema = form.object("json_schema") or form
        answer = JsonAnswer(
            schema.plain_object("schema"), schema.text("name") or "answer", schema.text("description"), schema.flag("strict")
        )
        schema.refuse_rest()
    elif kind == "json_object":
        answer = JsonAnswer()
    elif kind == "text":
        return None
    else:
        raise form.refuse("type")
    form.refuse_rest()
    return answer


def function_of(given: Members) -> Tool:
    tool = Tool(given.needed_text("name"), given.text("description"), given.plain_object("parameters") or {}, given.flag("strict"))
    given.leave("defer_loading", "allowed_callers")
    given.refuse_rest()
    return tool


def custom_tool_of(given: Members) -> Tool:
    """A grammar binds the model, which only OpenAI can do; free text is said with one argument elsewhere."""
    form = given.object("format")
    if form is not None and form.text("type") != "text":
        raise given.refuse("format")
    tool = Tool(given.needed_text("name"), given.text("description"), is_custom=True)
    given.leave("defer_loading", "allowed_callers")
    given.refuse_rest()
    return tool
