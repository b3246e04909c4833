"""Sends a stream of events: head, events as they come, and a word where nothing else is said for long."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Send

from server.request_scope import Headers

#: Claude Code tells people of a stall after 20 s without a byte
SILENCE_S: Final = 15.0
_HEADERS: Final = (
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class EventSender:
    """One response of `media_type`, with `added` in its head.

    After `SILENCE_S` without an event it sends `ping`, unless that is nothing, and the head before that where it has not gone out yet.
    """

    def __init__(self, send: Send, ping: bytes, media_type: str, silence_s: float = SILENCE_S, added: Headers = ()) -> None:
        self._send, self._ping, self._silence_s = send, ping, silence_s
        self._head = ((b"content-type", media_type.encode()), *_HEADERS, *added)
        self._loop = asyncio.get_running_loop()
        self._last_s = self._loop.time()
        self._pinging: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._timer = self._loop.call_later(silence_s, self._tick)
        self.is_started = False

    async def start(self, headers: Mapping[str, str], media_type: str = "") -> None:
        """Send the head, unless it is out already; then `headers` come too late and are left out.

        media_type: of what is no stream of events after all, and takes no ping; "": of what was said before.
        """
        async with self._turn:
            if media_type:
                self._ping = b""
                self._head = (
                    (b"content-type", media_type.encode("latin-1", "replace")),
                    (b"x-content-type-options", b"nosniff"),
                    *self._head[1:],
                )
            await self._start(headers)

    async def write(self, data: bytes) -> None:
        """Send events; waits while the caller does not read."""
        self._last_s = self._loop.time()
        if self._pinging is None:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            return
        async with self._turn:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """End the response."""
        await self.stop()
        await self._send({"type": "http.response.body", "body": b""})

    async def stop(self) -> None:
        """Send no more pings."""
        self._timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.wait((self._pinging,))
            self._pinging = None

    async def _start(self, headers: Mapping[str, str]) -> None:
        if self.is_started:
            return
        self.is_started = True
        sent = [*self._head, *((name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items())]
        await self._send({"type": "http.response.start", "status": 200, "headers": sent})

    def _tick(self) -> None:
        """Look whether it was silent for long; one timer for the whole stream, not one an event."""
        if not self._ping:
            return
        silent_s = self._loop.time() - self._last_s
        if silent_s >= self._silence_s - 0.01 and (self._pinging is None or self._pinging.done()):
            self._pinging = self._loop.create_task(self._send_ping())
            silent_s = 0
        self._timer = self._loop.call_later(max(0.01, self._silence_s - silent_s), self._tick)

    async def _send_ping(self) -> None:
        async with self._turn:
            await self._start({})
            self._last_s = self._loop.time()
            await self._send({"type": "http.response.body", "body": self._ping, "more_body": True})
