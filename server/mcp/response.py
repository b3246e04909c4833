"""The response side of one lean exchange: plain JSON when the call is quick and quiet, an event stream when it is not."""

import asyncio
from types import TracebackType
from typing import Any, Final, Self

from starlette.types import Receive, Send

from server.http.buffered_exchange import BufferedExchange
from server.mcp.answers import encoded
from server.mcp.transport import send_whole
from server.request_scope import Headers
from tools.dispatch.uninterruptible import until_between
from tools.operation import Json

#: how long a call may run before anybody looks whether its client is still there: most calls are quicker, and need no task for it
WATCH_AFTER_S: Final = 0.05
#: comments on a silent stream, so that no proxy in between gives it up
PING_INTERVAL_S: Final = 15.0
JSON_HEADERS: Final[Headers] = ((b"content-type", b"application/json"),)
STREAM_HEADERS: Final[Headers] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_UNICODE_LINE_ENDS: Final = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


class DisconnectWatcher:
    """Notices calls that last, all with one timer: a timer for each call would cost more than the rest of the exchange."""

    def __init__(self) -> None:
        self._young: set[Exchange] = set()
        self._old: set[Exchange] = set()
        self._is_ticking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, exchange: "Exchange") -> asyncio.Task[Any] | None:
        """Have `exchange` watched once it has lasted one to two ticks; return the task that asks."""
        # Looking for the loop each time would take a system call.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._young.add(exchange)
        if not self._is_ticking:
            self._is_ticking = True
            # decision 0018: one timer for all calls.
            loop.call_later(WATCH_AFTER_S, self._tick)
        return asyncio.current_task(loop)

    def discard(self, exchange: "Exchange") -> None:
        """Forget an exchange that is over."""
        self._young.discard(exchange)
        self._old.discard(exchange)

    def _tick(self) -> None:
        for exchange in self._old:
            exchange.begin_watching()
        self._old, self._young = self._young, set()
        self._is_ticking = bool(self._old)
        if self._is_ticking:
            asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._tick)


class Exchange:
    """Answers one request, once. `is_streaming`: the status has gone out, and later words travel as events."""

    __slots__ = (
        "_added_headers",
        "_companion",
        "_is_abandoned",
        "_long_calls",
        "_progress_token",
        "_receive",
        "_send",
        "_task",
        "_whole",
        "_writing",
        "is_streaming",
    )

    def __init__(
        self,
        receive: Receive,
        send: Send,
        progress_token: int | str | None,
        long_calls: DisconnectWatcher,
        whole: BufferedExchange | None = None,
        added_headers: Headers = (),
    ) -> None:
        """`whole`: sends an answer in one piece, with `added_headers`, which `send` would add by itself."""
        self._whole, self._added_headers = whole, added_headers
        self._long_calls = long_calls
        self._receive = receive
        self._send = send
        self._progress_token = progress_token
        self._writing: asyncio.Lock | None = None
        self._companion: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_abandoned = False
        self.is_streaming = False

    def __enter__(self) -> Self:
        """Cancel the body when the client closes the connection (MCP 2026-07-28 transports: that is how it cancels)."""
        self._task = self._long_calls.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self._long_calls.discard(self)
        if self._companion is not None:
            self._companion.cancel()
        if not self._is_abandoned or self._task is None:
            return False
        # The cancellation was ours; left pending, it would end whatever this task does next.
        self._task.uncancel()
        return kind is not None and issubclass(kind, asyncio.CancelledError)

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Send a progress notification to a client that asked for them (MCP progress)."""
        if self._progress_token is None:
            return
        params: dict[str, Json] = {"progressToken": self._progress_token, "progress": done}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        await self._emit(_event(encoded({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})))

    async def finish(self, status: int, body: bytes, headers: Headers = JSON_HEADERS) -> None:
        """Send the answer: as the whole response, or as the last event of a stream, whose status is 200 already."""
        if self._companion is not None:
            self._companion.cancel()
        if self.is_streaming:
            await self._send({"type": "http.response.body", "body": _event(body), "more_body": False})
        # decision 0018: one write; what is declined goes by ASGI.
        elif self._whole is None or not self._whole.answer(status, (*headers, *self._added_headers), body):
            await send_whole(self._send, status, headers, body)

    async def _emit(self, chunk: bytes) -> None:
        if self._writing is None:
            self._writing = asyncio.Lock()
        # Progress and pings come from several tasks, and the head must go out before any of them.
        async with self._writing:
            if not self.is_streaming:
                self.is_streaming = True
                await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    def begin_watching(self) -> None:
        """Look from now on whether the client is still there, and keep its stream alive."""
        self._companion = asyncio.get_running_loop().create_task(self._accompany())

    async def _accompany(self) -> None:
        gone = asyncio.ensure_future(self._disconnected())
        try:
            while True:
                await asyncio.wait({gone}, timeout=PING_INTERVAL_S)
                if gone.done():
                    await self._abandon()
                    return
                await self._emit(b": ping\r\n\r\n")
        finally:
            gone.cancel()

    async def _abandon(self) -> None:
        assert self._task is not None
        # decision 0018: a transaction or the record of a plan is not torn.
        await until_between(self._task)
        self._is_abandoned = True
        self._task.cancel()

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue


def _event(message: bytes) -> bytes:
    # Only CR and LF end a line of an event stream, yet some readers split at every line end that Unicode knows.
    for raw, escaped in _UNICODE_LINE_ENDS:
        message = message.replace(raw, escaped)
    return b"event: message\r\ndata: %b\r\n\r\n" % message
