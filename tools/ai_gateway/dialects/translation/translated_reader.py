"""A provider's stream as the caller's."""

from collections.abc import Sequence

from tools.ai_gateway.dialects.callers.caller_dialect import CallerStream
from tools.ai_gateway.dialects.conversation.answer import Finish
from tools.ai_gateway.dialects.conversation.custom_calls import CustomCalls
from tools.ai_gateway.dialects.exchange import MalformedAnswer, ProviderFault
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm
from tools.ai_gateway.dialects.faults.error_text import ErrorText, read_error
from tools.ai_gateway.dialects.providers.provider_dialect import ProviderStream
from tools.ai_gateway.dialects.translation.told_faults import retold, words
from tools.ai_gateway.token_usage import TokenUsage


class TranslatedReader:
    """A StreamReader; see there."""

    content_type = "text/event-stream"

    def __init__(self, source: ProviderStream, writer: CallerStream, custom_calls: CustomCalls, form: ErrorForm) -> None:
        self._source = source
        self._writer = writer
        self._custom_calls = custom_calls
        self._form: ErrorForm = form
        self._damage: MalformedAnswer | None = None
        self._is_closed = False
        self.fault: ProviderFault | None = None

    @property
    def has_content(self) -> bool:
        return self._source.has_content

    @property
    def is_complete(self) -> bool:
        return self._source.is_complete and self._damage is None

    @property
    def usage(self) -> TokenUsage | None:
        return self._source.usage

    @property
    def produced_chars(self) -> int:
        return self._source.produced_chars

    @property
    def is_over(self) -> bool:
        return self._source.is_over

    @property
    def terminal(self) -> bytes:
        """Return the terminal mark, and before it what nobody has asked for with `end` yet."""
        return b"".join(self._closing()) + self._writer.terminal

    def feed(self, data: bytes) -> Sequence[bytes]:
        if self._damage is not None:
            raise self._damage
        try:
            self._source.feed(data)
        except MalformedAnswer as damage:
            self._damage = damage
        events = self._written()
        if self._source.is_over:
            events += self._closing()
        if self._damage is not None and not events:
            raise self._damage
        return events

    def end(self) -> Sequence[bytes]:
        if self._damage is None and not self._is_closed:
            self._source.end()
        return [*self._written(), *self._closing()]

    def _closing(self) -> list[bytes]:
        """Return, once, what stands between the last content and the terminal mark."""
        if self._is_closed or not self.is_complete:
            return []
        self._is_closed = True
        events: list[bytes] = []
        for event in self._custom_calls.rest():
            events += self._writer.write(event)
        finish = self._source.finish or Finish("stop")
        return [*events, *self._writer.close(finish, self.usage, self.produced_chars)]

    def interruption(self, message: str) -> bytes:
        inside = self._source.fault
        if self.fault is None or inside is None:
            return self._writer.interruption(502, ErrorText(message, "stream_interrupted"))
        return self._writer.interruption(self.fault.status, words(self._form, self.fault.kind, read_error(inside.body)))

    def _written(self) -> list[bytes]:
        events: list[bytes] = []
        for read in self._source.take():
            for event in self._custom_calls.pass_on(read):
                events += self._writer.write(event)
        if self.fault is None and self._source.fault is not None:
            self.fault = retold(self._form, self._source.fault)
        return events
