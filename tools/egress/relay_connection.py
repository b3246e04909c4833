"""One HTTP/1.1 connection that relays an exchange piece by piece, as it comes: nothing waits to be whole.

It lives on only after a whole, well-formed answer with nothing behind it and a request that was sent to its end; any fault or byte
too many ends it, so that no answer is ever taken for the answer to another request.
"""

import asyncio
from typing import Final, Protocol, cast

from tools.egress.http1 import ClosedUnanswered, broken_off
from tools.egress.relay_answer import RelayAnswer, RelayHead, Stage
from tools.errors import UpstreamFailed

#: of an answer, read and not yet relayed: then the backend waits in its own TCP window
MAX_AHEAD_BYTES: Final = 256 * 1024


class _Owner(Protocol):
    def lost(self, connection: "RelayConnection") -> None: ...


class RelayConnection(asyncio.Protocol):
    """`timeout_s` bounds each silence of the backend while somebody waits for it: before its head, within its body, for it to read."""

    __slots__ = (
        "_answer", "_authority", "_failure", "_is_paused", "_is_request_sent", "_loop", "_owner", "_transport", "_waiter",
        "_waits_since", "_writable", "idle_since", "origin", "timeout_s",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, authority: str, origin: tuple[str, str, int], owner: _Owner) -> None:
        self._loop, self._authority, self.origin, self._owner = loop, authority, origin, owner
        self._transport: asyncio.Transport | None = None
        #: None: no request was sent since the last answer, so whatever comes was not asked for
        self._answer: RelayAnswer | None = None
        self._failure: Exception | None = None
        #: one waits for the answer, one to write on
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_paused, self._is_request_sent = False, True
        self._waits_since = self.timeout_s = self.idle_since = 0.0

    @property
    def is_reusable(self) -> bool:
        """Say whether another request may go over it."""
        transport, answer = self._transport, self._answer
        return (
            (answer is None or (answer.stage is Stage.WHOLE and answer.is_keep_alive))
            and self._failure is None
            and self._is_request_sent
            and transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        )

    @property
    def is_whole(self) -> bool:
        """Say whether all of the answer is here."""
        return self._answer is not None and self._answer.stage is Stage.WHOLE

    def begin(self, message: bytes, timeout_s: float, *, is_head_only: bool, is_sent: bool, asks_upgrade: bool = False) -> None:
        """Send the head of a request and what there is of its body. `is_sent`: that is all of it. Raises ClosedUnanswered."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ClosedUnanswered
        self._answer = RelayAnswer(self._authority, is_head_only=is_head_only, is_upgrade_asked=asks_upgrade)
        self._is_request_sent = is_sent
        self.timeout_s, self._waits_since = timeout_s, self._loop.time()
        transport.write(message)

    async def write(self, piece: bytes) -> None:
        """Send more of the body; waits while the backend does not read. Raises UpstreamFailed, TimeoutError."""
        transport = self._transport
        if self._failure is not None:
            raise self._failure
        if transport is None or transport.is_closing():
            raise broken_off(self._authority)
        self._waits_since = self._loop.time()
        transport.write(piece)
        if self._writable is not None:
            await self._writable

    def finish(self) -> None:
        """All of the request is sent."""
        self._is_request_sent = True

    async def head(self) -> RelayHead:
        """Return the head of the final answer. Raises UpstreamFailed, TimeoutError, ClosedUnanswered."""
        answer = self._begun()
        while answer.stage is Stage.HEAD:
            await self._more()
        return RelayHead(answer.status, answer.fields)

    async def read(self) -> bytes:
        """Return what has come of the body; b"" is its end. Raises UpstreamFailed, TimeoutError."""
        answer = self._begun()
        while not answer.pieces:
            if answer.stage is Stage.WHOLE:
                return b""
            await self._more()
        return self.take()

    def take(self) -> bytes:
        """Return what is here of the body, without waiting."""
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return self._begun().take()

    def give_up(self, why: Exception) -> None:
        """End it; whoever waits for its answer, or waits later, is told `why`."""
        if self._failure is None:
            self._failure = why
        self._wake()
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(why)
            self._writable.exception()
        self.abort()

    def rest(self, now: float) -> None:
        """Wait for another request; whatever comes before one ends the connection."""
        self._answer, self.idle_since = None, now

    def abort(self) -> None:
        """Close at once; what is still to be sent is dropped."""
        if self._transport is not None:
            self._transport.abort()

    def expire(self, now: float) -> None:
        """Give up an exchange in which somebody has waited for too long; called every now and then."""
        if (self._waiter is not None or self._writable is not None) and now - self._waits_since > self.timeout_s:
            self.give_up(TimeoutError())

    def _begun(self) -> RelayAnswer:
        if self._answer is None:
            raise RuntimeError("no request was sent")
        return self._answer

    async def _more(self) -> None:
        """Wait until more of the answer is here. Raises what ended it."""
        if self._failure is None:
            self._waits_since = self._loop.time()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._failure is not None and not self._begun().pieces:
            raise self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # RFC 9112 §9.2: nobody asked, and an answer to come must not begin with this.
            self.abort()
            return
        try:
            answer.feed(data)
        except UpstreamFailed as failure:
            self.give_up(failure)
            return
        if answer.pieces_bytes > MAX_AHEAD_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        if answer.stage is not Stage.HEAD:
            self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        answer = self._answer
        if answer is not None and answer.stage is not Stage.WHOLE:
            if exc is None and self._failure is None and (answer.ends_with_connection or answer.stage is Stage.TUNNEL):
                answer.stage, answer.is_keep_alive = Stage.WHOLE, False
                self._wake()
            else:
                self.give_up(ClosedUnanswered() if answer.is_untouched else broken_off(self._authority))
        elif self._writable is not None:
            self.give_up(broken_off(self._authority))
        self._owner.lost(self)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
