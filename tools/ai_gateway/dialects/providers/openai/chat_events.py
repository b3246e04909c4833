"""Chunks of a chat completion, read into events whose tool calls do not overlap."""

from dataclasses import dataclass, field
from itertools import groupby

from tools.ai_gateway.dialects.conversation.answer import (
    Began,
    CallBegan,
    CallDelta,
    Finish,
    FinishReason,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
)
from tools.ai_gateway.dialects.conversation.call_ids import new_call_id
from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.operation import Json

REASONS: dict[str, FinishReason] = {
    "stop": "stop", "length": "length", "tool_calls": "tool_calls", "function_call": "tool_calls", "content_filter": "filter",
}  # fmt: skip
#: what may wait behind the first call
MAX_WAITING_CHARS, MAX_WAITING_PIECES = 16 << 20, 100_000


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    #: not given on yet
    pieces: list[str] = field(default_factory=list)
    is_open: bool = False


class ChatEvents:
    """Reads chunk after chunk. Fragments of parallel calls belong together by index, not by arrival; the first call goes on as it comes,
    those beside it wait until the model has finished.
    """

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self._has_begun = False
        self._is_refusal = False
        #: in the order in which they began, and by index the one that fragments belong to
        self._calls: list[_Call] = []
        self._call_at: dict[Json, _Call] = {}
        #: what came behind the first call
        self._later: list[StreamEvent] = []
        self._waiting_chars = self._waiting_pieces = 0

    def read(self, chunk: dict[str, Json]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if not self._has_begun:
            self._has_begun = True
            events.append(Began(_text(chunk.get("id")), _text(chunk.get("model"))))
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                events += self._choice(choice)
        return events

    def _choice(self, choice: dict[str, Json]) -> list[StreamEvent]:
        delta = choice.get("delta") or choice.get("message") or {}
        said: list[StreamEvent] = []
        thought = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        if thought:
            said.append(ThinkingDelta(thought))
        for name in ("content", "refusal"):
            if text := _text(delta.get(name)):
                said.append(TextDelta(text))
                self._is_refusal = self._is_refusal or name == "refusal"
        if self._calls:
            for each in said:
                self._wait_for(each.text if isinstance(each, TextDelta | ThinkingDelta) else "")
            self._later += said
            said = []
        for fragment in delta.get("tool_calls") or ():
            said += self._fragment(fragment)
        reason = choice.get("finish_reason")
        if reason and self.finish is None:
            said += self._rest()
            found = "refusal" if self._is_refusal else REASONS.get(reason, "stop")
            # Some say `stop` behind a call.
            self.finish = Finish("tool_calls" if found == "stop" and self._calls else found)
        return said

    def _fragment(self, fragment: dict[str, Json]) -> list[StreamEvent]:
        index, function = fragment.get("index", len(self._calls)), fragment.get("function") or {}
        call_id, name = _text(fragment.get("id")), _text(function.get("name"))
        call = self._call_at.get(index)
        # Some give every call the same index, and a new id.
        is_new = call is None or bool(call_id and name and call_id != call.id)
        if call is None or is_new:
            call = self._call_at[index] = _Call(call_id or new_call_id(), name, is_open=not self._calls)
            self._calls.append(call)
        if arguments := _text(function.get("arguments")):
            call.pieces.append(arguments)
            if not call.is_open:
                self._wait_for(arguments)
        return self._given_on(call, is_new) if call.is_open else []

    def _wait_for(self, text: str) -> None:
        self._waiting_chars += len(text)
        self._waiting_pieces += 1
        if self._waiting_chars > MAX_WAITING_CHARS or self._waiting_pieces > MAX_WAITING_PIECES:
            raise MalformedAnswer("too much behind the first tool call")

    def _given_on(self, call: _Call, is_new: bool = False) -> list[StreamEvent]:
        events: list[StreamEvent] = [CallBegan(call.id, call.name)] if is_new else []
        if call.pieces:
            events.append(CallDelta("".join(call.pieces)))
        call.pieces.clear()
        return events

    def _rest(self) -> list[StreamEvent]:
        """The first call is out; what came beside it follows, call by call."""
        events: list[StreamEvent] = []
        for call in self._calls:
            events += self._given_on(call, is_new=not call.is_open)
        return events + _joined(self._later)


def _joined(events: list[StreamEvent]) -> list[StreamEvent]:
    """Return events with those joined that follow each other and are of one kind."""
    joined: list[StreamEvent] = []
    for kind, several in groupby(events, type):
        if kind is TextDelta:
            joined.append(TextDelta("".join(each.text for each in several if isinstance(each, TextDelta))))
        elif kind is ThinkingDelta:
            joined.append(ThinkingDelta("".join(each.text for each in several if isinstance(each, ThinkingDelta))))
        else:
            joined += several
    return joined


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
