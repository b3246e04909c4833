"""Passes a stream on, event by event, and says how it ended: by its terminal mark, or by an error that no client takes for one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.dialects.exchange import MalformedAnswer, StreamReader
from tools.ai_gateway.dialects.exchanges import assembled
from tools.ai_gateway.one_call import OneCall
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.stream_turns import StreamTurns
from tools.ai_gateway.token_usage import TokenUsage
from tools.ai_gateway.upstream import Begun, TimeLimits
from tools.egress.streamed import StreamedResponse
from tools.errors import ToolError
from tools.sources.credential_redaction import Redaction

#: what a provider may still send after its finish reason (usage, [DONE]); some keep the connection open without another word
_AFTER_FINISH_S = 1.0
#: how long a provider has to end its body after its terminal mark, for its connection to be used again
_DRAIN_S = 0.05
#: of a stream that the cache may hold: it takes no more, and a stream may have no end
MAX_KEPT_BYTES = 2 << 20
#: of one piece that is looked through for our key and sent; before and behind that others have a turn
_TURN_BYTES = 256 * 1024
#: a stream of which so much came at once is a large one, and is read on without a pause
_PAUSED_BYTES = 8 * 1024
#: shorter pauses are not worth a timer
_LEAST_PAUSE_S = 0.02


@dataclass(slots=True)
class StreamRelay:
    """One stream of one call. `events` is run once, to its end or until the caller leaves; either way the call is settled."""

    call: OneCall
    begun: Begun
    reader: StreamReader
    limits: TimeLimits
    turns: StreamTurns
    #: why the stream broke off; "" while it did not
    broken: str = ""
    #: nothing more comes, and the reader has been told
    has_ended: bool = False
    #: what the cache will hold
    kept: list[bytes] = field(default_factory=list)
    kept_bytes: int = 0
    #: loop time until which others come first
    reads_at: float = 0.0
    #: of a stream without events: what may be the beginning of our key, until the next piece tells
    carried: bytes = b""

    def __post_init__(self) -> None:
        self.has_ended = self.begun.has_ended

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield the caller's events."""
        call, reader, response = self.call, self.reader, self.begun.response
        tenant_id = call.request.caller.tenant_id
        self.turns.opened(tenant_id)
        try:
            if held := await self._cleaned_in_turns(self.begun.held):
                yield held
            # None: it was held back until it was complete.
            while response is not None and not (self.has_ended or reader.is_over or reader.fault or self.broken):
                out = await self._cleaned_in_turns(await self._more(response))
                if out:
                    yield out
            if reader.is_complete and reader.fault is None:
                # What a translated stream still has to close comes before the last word.
                if not self.has_ended and (out := self._cleaned(reader.end())):
                    yield out
                yield self._complete()
                if response is not None:
                    await _drain(response)
            else:
                call.books.breakers.failed(call.tries.circuit)
                call.settle(self.begun.target, 200, "interrupted", self._produced())
                yield self._cleaned((reader.interruption(self.broken),))
        finally:
            self.turns.closed(tenant_id)
            if response is not None:
                response.close()
            # Only who left comes here unsettled: what was produced is paid for (AI gateway contract, "Money").
            if not call.is_settled:
                call.books.breakers.abandoned(call.tries.circuit)
                call.settle(self.begun.target, 200, "cancelled", self._produced())

    async def _more(self, response: StreamedResponse) -> Sequence[bytes]:
        """Return the events that came next; where nothing comes any more, `broken` says why, unless all is here."""
        reader, name = self.reader, self.begun.target.provider.name
        now = asyncio.get_running_loop().time
        total = self.call.began + self.limits.total_s
        if (pause_s := self.reads_at - now()) > _LEAST_PAUSE_S:
            await asyncio.sleep(pause_s)
            self.turns.woke(now() - self.reads_at)
        began = now()
        patience_s = _AFTER_FINISH_S if reader.is_complete else self.limits.idle_s
        try:
            piece = await response.read_by(min(began + patience_s, total))
            if len(piece) < _PAUSED_BYTES:
                self.reads_at = now() + self.turns.gap_s(self.call.request.caller.tenant_id)
            if piece:
                return reader.feed(piece)
            return self._ended(f"{name} ended its answer before it was complete")
        except TimeoutError:
            is_late = now() >= total
            return self._ended(f"the answer took longer than {self.limits.total_s:g} s" if is_late else f"{name} fell silent")
        except ToolError as error:
            return self._ended(error.failure.message)
        except MalformedAnswer as error:
            self.broken = f"{name} sent an event that cannot be read: {error}"
            return ()

    def _ended(self, why: str) -> Sequence[bytes]:
        """Take what was left over. Where only the terminal mark is missing, the answer is whole."""
        self.has_ended = True
        events = self.reader.end()
        if not self.reader.is_complete:
            self.broken = why
        return events

    def _complete(self) -> bytes:
        """Settle, keep, and return the last words: what the call was and cost, then the terminal mark."""
        call, reader, target = self.call, self.reader, self.begun.target
        call.books.breakers.succeeded(call.tries.circuit)
        usage = reader.usage or call.estimated(reader.produced_chars)
        terminal = self._cleaned((reader.terminal,), is_kept=False)
        if call.payload is not None:
            call.payload.completed(terminal, usage)
        call.settle(target, 200, "ok", usage)
        if call.is_wanted:
            call.complete(self._kept_answer(target, usage, terminal))
        return call.trailer(target, usage) + terminal

    def _kept_answer(self, target: ModelTarget, usage: TokenUsage, terminal: bytes) -> KeptAnswer:
        """Return what is kept: the whole answer, which serves whoever asks, streamed or not; else the events as they went out."""
        events = b"".join(self.kept)
        whole = assembled(self.call.request.surface, events, terminal, usage)
        if whole is not None:
            return KeptAnswer(target, usage, 0, whole)
        return KeptAnswer(target, usage, 0, events=events, terminal=terminal, tells_usage=self.call.request.wants_usage)

    def _produced(self) -> TokenUsage:
        """Return what was used until the stream broke off: what was reported so far, and what we saw come."""
        estimated, told = self.call.estimated(self.reader.produced_chars), self.reader.usage
        if told is None:
            return estimated
        return replace(told, output_tokens=max(told.output_tokens, estimated.output_tokens), is_estimated=True)

    async def _cleaned_in_turns(self, events: Sequence[bytes]) -> bytes:
        """Return what `_cleaned` does; what is long was read just now, and is sent next."""
        if not self.reader.content_type and self.begun.redaction is not None:
            events = (self._uncut(b"".join(events), self.begun.redaction),)
        if sum(map(len, events)) <= _TURN_BYTES:
            return self._cleaned(events)
        data, redaction = b"".join(events), self.begun.redaction
        await asyncio.sleep(0)
        if redaction is not None:
            data = await redaction.body_in_turns(data)
        self._keep(data)
        await asyncio.sleep(0)
        return data

    def _uncut(self, data: bytes, redaction: Redaction) -> bytes:
        """Return pieces of an unknown form so that no key is cut in two between them."""
        data, self.carried = self.carried + data, b""
        if self.has_ended:
            return data
        at = redaction.begins_at(data)
        self.carried = data[at:]
        return data[:at]

    def _cleaned(self, events: Sequence[bytes], *, is_kept: bool = True) -> bytes:
        """Return events as one piece, without our key should a provider repeat it."""
        data, redaction = b"".join(events), self.begun.redaction
        if redaction is not None and redaction.holds(data):
            data = redaction.body(data)
        if is_kept:
            self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        """Collect what was said for who wants it complete; beyond MAX_KEPT_BYTES nobody does."""
        call = self.call
        call.said(data)
        if not call.is_wanted:
            return
        self.kept.append(data)
        self.kept_bytes += len(data)
        if self.kept_bytes > MAX_KEPT_BYTES:
            call.keep = call.shadow = None
            self.kept.clear()
            if call.landed is not None:
                call.landed()


async def _drain(response: StreamedResponse) -> None:
    """Read to the end of a body whose stream is complete, so that its connection lives on."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await response.read_some():
                pass
    except (TimeoutError, ToolError):
        return
