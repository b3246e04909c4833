"""An answer as a response, whole and in events."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tools.ai_gateway.dialects.callers.caller_dialect import Asked
from tools.ai_gateway.dialects.callers.response_items import item_of
from tools.ai_gateway.dialects.callers.responses_request import read_response_request
from tools.ai_gateway.dialects.conversation.answer import (
    AnswerPart,
    Began,
    CallBegan,
    CallDelta,
    Finish,
    ModelAnswer,
    StreamEvent,
    TextDelta,
)
from tools.ai_gateway.dialects.conversation.call_ids import new_answer_id
from tools.ai_gateway.dialects.conversation.conversation import Conversation, TextPart, Thinking, ToolCall
from tools.ai_gateway.dialects.conversation.custom_calls import custom_names
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.event_stream import event as sse
from tools.ai_gateway.dialects.native.responses_reader import failed_event
from tools.ai_gateway.dialects.replay.response_steps import added, done, part_begun, part_delta, part_done
from tools.ai_gateway.dialects.replay.responses_replay import replay_response
from tools.ai_gateway.dialects.usage.reports import estimated, response_report
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import encode
from tools.operation import Json

_INCOMPLETE = {"length": "max_output_tokens", "context": "max_output_tokens", "filter": "content_filter", "refusal": "content_filter"}
#: what a response repeats of its request, and what stands there where the request said nothing
_REPEATED: dict[str, Json] = {
    "instructions": None, "max_output_tokens": None, "metadata": {}, "parallel_tool_calls": True, "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None}, "store": False, "temperature": None, "text": {"format": {"type": "text"}},
    "tool_choice": "auto", "tools": [], "top_p": None, "truncation": "disabled", "user": None,
}  # fmt: skip


class ResponsesCaller:
    form: ErrorForm = "openai"

    def read(self, body: Mapping[str, Json], to: str) -> Conversation:
        return read_response_request(body, to)

    def custom_tools(self, body: Mapping[str, Json]) -> frozenset[str]:
        return custom_names(body)

    def whole(self, answer: ModelAnswer, asked: Asked, produced_chars: int) -> bytes:
        body = _response(asked, answer.id, answer.model)
        body["output"] = [item for part in answer.parts for item in item_of(part)]
        return encode(_finished(body, answer.finish, answer.usage or estimated(asked.given_chars, produced_chars)))

    def stream(self, asked: Asked) -> "ResponsesWriter":
        return ResponsesWriter(asked)

    def replay(self, body: Json, with_usage: bool) -> Sequence[bytes]:
        return replay_response(body, with_usage)


def _response(asked: Asked, answer_id: str, model: str) -> dict[str, Any]:
    said = {name: asked.body[name] if asked.body.get(name) is not None else value for name, value in _REPEATED.items()}
    return {
        "id": answer_id if answer_id.startswith("resp_") else new_answer_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model or asked.model,
        "output": [],
        "usage": None,
        **said,
    }


def _finished(body: dict[str, Any], finish: Finish, usage: TokenUsage) -> dict[str, Any]:
    reason = _INCOMPLETE.get(finish.reason)
    ended = {"status": "incomplete", "incomplete_details": {"reason": reason}} if reason else {"status": "completed"}
    return {**body, **ended, "usage": response_report(usage)}


class ResponsesWriter:
    """A CallerStream; see there. Text goes on as it comes; an item ends where another kind begins."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._response = _response(asked, "", "")
        self._number = 0
        #: the part that is open, as far as it has come, and its item as it was announced
        self._open: AnswerPart | None = None
        self._text = ""
        self._item: dict[str, Any] = {}
        self._terminal = b""

    @property
    def terminal(self) -> bytes:
        return self._terminal

    def write(self, event: StreamEvent) -> Sequence[bytes]:
        if isinstance(event, Began):
            self._response |= {"model": event.model or self._asked.model}
            opening = {"response": self._response}
            return [self._event("response.created", opening), self._event("response.in_progress", opening)]
        if isinstance(event, TextDelta):
            return [*self._opened(TextPart("")), *self._grown(event.text)]
        if isinstance(event, CallDelta):
            return self._grown(event.arguments)
        if isinstance(event, CallBegan):
            # Gemini's signature of a call is an item of its own, of which nobody but Gemini can read anything.
            signed = Thinking(signature=event.signature, origin="gemini")
            before = [*self._opened(signed), *self._end(event.signature)] if event.signature else self._end()
            return [*before, *self._opened(ToolCall(event.id, event.name, "", is_custom=event.is_custom))]
        if event.hidden:
            return [*self._end(), *self._opened(Thinking(origin=event.origin)), *self._end(hidden=event.hidden)]
        events = [*self._opened(Thinking(origin=event.origin)), *self._grown(event.text)]
        return [*events, *self._end(event.signature)] if event.signature else events

    def _opened(self, part: AnswerPart) -> list[bytes]:
        """Begin an item of the kind of `part`, unless one is open; what else is open ends."""
        if type(self._open) is type(part):
            return []
        events = self._end()
        self._open, self._text = part, ""
        (self._item,) = item_of(part)
        return [*events, self._event(*added(self._index, self._item))]

    def _grown(self, text: str) -> list[bytes]:
        if not text or self._open is None:
            return []
        is_first, self._text = not self._text, self._text + text
        events: list[bytes] = []
        if is_first:
            begun = {**_finished_item(self._open, text), "id": self._item["id"]}
            events += [self._event(*step) for step in part_begun(self._index, begun, 0)]
        return [*events, self._event(*part_delta(self._index, self._item, 0, text))]

    def _end(self, signature: str = "", hidden: str = "") -> list[bytes]:
        part, self._open = self._open, None
        if part is None:
            return []
        item = {**_finished_item(part, self._text, signature, hidden), "id": self._item["id"]}
        steps = part_done(self._index, item, 0) if self._text or isinstance(part, ToolCall) else []
        events = [self._event(*step) for step in (*steps, done(self._index, item))]
        self._response["output"].append(item)
        return events

    @property
    def _index(self) -> int:
        return len(self._response["output"])

    def close(self, finish: Finish, usage: TokenUsage | None, produced_chars: int) -> Sequence[bytes]:
        events = self._end()
        body = _finished(self._response, finish, usage or estimated(self._asked.given_chars, produced_chars))
        self._terminal = self._event(f"response.{body['status']}", {"response": body})
        return events

    def interruption(self, status: int, said: ErrorText) -> bytes:
        return failed_event(said.message, said.code or "server_error", self._response, self._number)

    def _event(self, kind: str, members: dict[str, Any]) -> bytes:
        number, self._number = self._number, self._number + 1
        return sse(encode({"type": kind, "sequence_number": number, **members}), kind)


def _finished_item(part: AnswerPart, text: str, signature: str = "", hidden: str = "") -> dict[str, Any]:
    if isinstance(part, TextPart):
        made: AnswerPart = TextPart(text)
    elif isinstance(part, ToolCall):
        made = replace(part, arguments=text)
    else:
        made = Thinking(text, signature, hidden, part.origin)
    (item,) = item_of(made)
    return item
