"""What all readers of passing event streams have in common: blocks in, the same blocks out, and an eye on how they end."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import orjson

from tools.ai_gateway.dialects.exchange import MalformedAnswer, ProviderFault
from tools.ai_gateway.dialects.faults.classification import kind_of, status_inside
from tools.ai_gateway.dialects.faults.error_text import error_in
from tools.ai_gateway.dialects.framing.event_stream import MAX_EVENT_VALUES, MAX_READ_BYTES, EventSplitter, data_of, is_heavy_event
from tools.ai_gateway.dialects.framing.pictures import without_pictures
from tools.ai_gateway.token_usage import TokenUsage
from tools.json_text import decode
from tools.operation import Json


class Splitter(Protocol):
    """Cuts a stream into whole events, the same for every way the bytes are cut."""

    def feed(self, data: bytes) -> list[bytes]: ...
    def rest(self) -> bytes: ...


class PassingReader(ABC):
    """A StreamReader (see there) whose subclasses say in `look` what an event of their dialect means.

    A damaged event ends the stream: it is not passed on, what follows is not read, and nothing is complete any more. The events before it
    are returned first, so that they do not depend on how the bytes were cut.
    """

    content_type = "text/event-stream"
    #: `look` gets events without their pictures; not where texts are handed on in other words
    is_blind_to_pictures = False

    def __init__(self) -> None:
        self.has_content = False
        self.fault: ProviderFault | None = None
        self.usage: TokenUsage | None = None
        self.produced_chars = 0
        self._splitter: Splitter = EventSplitter()
        self._damage: MalformedAnswer | None = None
        self._fault_event = b""
        #: the terminal mark as it came; nothing is read behind it
        self._terminal = b""
        #: the provider said that it is done, terminal mark or not
        self._is_finished = False

    @property
    def is_complete(self) -> bool:
        return self._is_finished and self.fault is None and self._damage is None

    @property
    def is_over(self) -> bool:
        return bool(self._terminal)

    @property
    def terminal(self) -> bytes:
        return self._terminal

    def feed(self, data: bytes) -> Sequence[bytes]:
        if self._damage is not None:
            raise self._damage
        try:
            blocks = self._splitter.feed(data)
        except MalformedAnswer as damage:
            self._damage = damage
            raise
        events = self._passed(blocks)
        if self._damage is not None and not events:
            raise self._damage
        return events

    def end(self) -> Sequence[bytes]:
        rest = self._splitter.rest()
        return self._passed([rest]) if rest and self._damage is None else ()

    def interruption(self, message: str) -> bytes:
        """Return the provider's own error event where it sent one, as it came; else one made of `message`."""
        return self._fault_event or self.made_interruption(message)

    def data_of(self, block: bytes) -> bytes | None:
        """Return the JSON of an event; None where it has none."""
        return data_of(block)

    @abstractmethod
    def made_interruption(self, message: str) -> bytes:
        """Return an error event of the dialect."""

    @abstractmethod
    def look(self, value: dict[str, Json], block: bytes) -> bool:
        """Read an event; say whether it is passed on."""

    def ends(self, data: bytes, block: bytes) -> bool:
        """Say whether `data`, which need not be JSON, is a terminal mark, and keep it."""
        return False

    def _passed(self, blocks: Sequence[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for block in blocks:
            if self.fault is not None:
                break
            try:
                if self._is_passed(block):
                    events.append(block)
            except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
                self._damage = MalformedAnswer(f"an event that is none of its dialect: {type(error).__name__}")
                break
            except MalformedAnswer as damage:
                self._damage = damage
                break
        return events

    def _is_passed(self, block: bytes) -> bool:
        data = self.data_of(block)
        if self._terminal:
            self.ends(data or b"", block)
            return False
        if not data:
            return True
        if self.ends(data, block):
            return False
        if self.is_blind_to_pictures:
            data = without_pictures(data)
        if len(data) > MAX_READ_BYTES:
            raise MalformedAnswer(f"an event of more than {MAX_READ_BYTES} bytes of text")
        if is_heavy_event(data):
            raise MalformedAnswer(f"an event of more than {MAX_EVENT_VALUES} values")
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            # Halves of a character, in escapes, are text to many and no damage.
            value = decode(data)
        if not isinstance(value, dict):
            raise MalformedAnswer("an event that is no JSON object")
        return self.look(value, block)

    def fail(self, value: Json, data: bytes, block: bytes) -> None:
        """Keep an error that came inside a 200."""
        said = error_in(value)
        status = status_inside(said)
        self.fault = ProviderFault(kind_of(status, said), status, data, message=said.short)
        self._fault_event = block


def length(value: Json) -> int:
    """Return how many characters a text has; 0 for what is none."""
    return len(value) if isinstance(value, str) else 0
