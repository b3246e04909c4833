"""One request to a backend and its answer back, piece by piece in both directions."""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive

from server.edge.backends.choice import Backend
from server.edge.refusals import EdgeRefused
from server.edge.route import Route
from tools.dispatch.failure_classes import reason_of
from tools.egress.http1 import ClosedUnanswered
from tools.egress.relay_answer import RelayHead
from tools.egress.relay_connection import RelayConnection
from tools.egress.relay_pool import RelayPool
from tools.errors import ToolError

#: RFC 9110 §9.2.2
IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
MAX_CONNECT_S: Final = 5.0
WATCH_AFTER_S: Final = 0.05


class CallerGone(Exception):
    """The caller's connection ended: nobody is there to answer."""


class BrokenOff(Exception):
    """The backend's answer ended in its middle, when the caller had the beginning; `cause` is for the record."""

    def __init__(self, backend: Backend, error: Exception) -> None:
        super().__init__("the backend's answer ended in its middle")
        self.cause = _fault(backend, error)


@dataclass(slots=True)
class Outgoing:
    """A request as it goes to whichever backend is picked.

    fields: the head's lines but for request line, Host and framing. body: what there is of it; `is_whole`: that is all.
    """

    method: bytes
    path: bytes
    query: bytes
    lines: bytes
    #: what frames the body: a length, chunks, or nothing
    framing: bytes
    body: bytes
    is_whole: bool
    receive: Receive
    max_body_bytes: int
    #: a piece of the body is on its way to somebody: it cannot be sent again
    is_spent: bool = False
    asks_upgrade: bool = False

    @property
    def is_chunked(self) -> bool:
        return self.framing.startswith(b"transfer-encoding")

    def message(self, backend: Backend) -> bytes:
        """Return the head for `backend`, and the body where it is whole."""
        query = b"?" + self.query if self.query else b""
        return b"%b %b%b%b HTTP/1.1\r\nhost: %b\r\n%b%b\r\n%b" % (
            self.method, backend.base_path, self.path, query, backend.authority, self.lines, self.framing, self.body
        )  # fmt: skip


@dataclass(slots=True)
class Answer:
    """The head of a backend's answer, and the connection that its body comes from. Whoever has it closes it."""

    backend: Backend
    head: RelayHead
    connection: RelayConnection
    caller: "Caller"


class Forwarder:
    def __init__(self, pool: RelayPool) -> None:
        self._pool = pool

    async def send(self, route: Route, request: Outgoing) -> Answer:
        """Send the request, to a second backend where the first does not answer and it may be repeated.

        Raises EdgeRefused: 502 without an answer, 504 without one in time, 503 where there is nobody to ask. Raises CallerGone.
        """
        first = route.backends.pick()
        try:
            return await self._ask(route, first, request)
        except (ToolError, TimeoutError, ClosedUnanswered) as error:
            if route.config.retry != "idempotent" or request.method not in IDEMPOTENT or request.is_spent:
                raise _refusal((first, error)) from error
            failure = error
        try:
            second = route.backends.pick(but=first)
        except EdgeRefused:
            raise _refusal((first, failure)) from failure
        try:
            return await self._ask(route, second, request)
        except (ToolError, TimeoutError, ClosedUnanswered) as error:
            raise _refusal((first, failure), (second, error)) from error

    def close(self, answer: Answer) -> None:
        """Give the connection back, or end it and with it what the backend still works on."""
        answer.caller.stop()
        self._pool.give_back(answer.connection)

    async def _ask(self, route: Route, backend: Backend, request: Outgoing) -> Answer:
        connection = self._pool.kept(backend.target.origin)
        try:
            if connection is not None:
                try:
                    return await self._exchange(route, backend, request, connection)
                except ClosedUnanswered:
                    # RFC 9112 §9.3.1: it may have been done before the connection ended; a write is never repeated by itself.
                    if request.method not in IDEMPOTENT or request.is_spent:
                        raise
            connection = await self._pool.dialled(backend.target, min(MAX_CONNECT_S, route.config.timeout_s))
            return await self._exchange(route, backend, request, connection)
        except ToolError as error:
            backend.failed(is_gone=error.failure.sent is False)
            raise
        except (TimeoutError, ClosedUnanswered):
            backend.failed(is_gone=False)
            raise

    async def _exchange(self, route: Route, backend: Backend, request: Outgoing, connection: RelayConnection) -> Answer:
        timeout_s = route.config.timeout_s
        caller = None
        is_answered = False
        try:
            connection.begin(
                request.message(backend),
                timeout_s,
                is_head_only=request.method == b"HEAD",
                is_sent=request.is_whole,
                asks_upgrade=request.asks_upgrade,
            )
            request.is_spent = not request.is_whole
            caller = Caller(request, connection, timeout_s)
            head = await connection.head()
            is_answered = True
        finally:
            if not is_answered:
                if caller is not None:
                    caller.stop()
                connection.abort()
        backend.answered()
        return Answer(backend, head, connection, caller)


class Caller:
    """The caller's side while a backend works: sends on what comes of the body, and ends the exchange when its connection ends."""

    def __init__(self, request: Outgoing, connection: RelayConnection, timeout_s: float) -> None:
        self._request, self._connection, self._timeout_s = request, connection, timeout_s
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        if request.is_whole:
            # decision 0018: most answers are here before; watching costs a task.
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)
        else:
            self._begin()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._attend())

    async def _attend(self) -> None:
        try:
            if not self._request.is_whole:
                await self._send_body()
                self._connection.finish()
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
            raise CallerGone
        except Exception as error:
            self._connection.give_up(error)

    async def _send_body(self) -> None:
        request, sent, has_more = self._request, 0, True
        while has_more:
            try:
                async with asyncio.timeout(self._timeout_s):
                    message = await request.receive()
            except TimeoutError as error:
                raise EdgeRefused(408, "request_timeout", "the body did not come in time", {"connection": "close"}) from error
            if message["type"] != "http.request":
                raise CallerGone
            piece, has_more = message.get("body", b""), message.get("more_body", False)
            sent += len(piece)
            if sent > request.max_body_bytes:
                raise too_large(request.max_body_bytes)
            if request.is_chunked:
                piece = (b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"") + (b"" if has_more else b"0\r\n\r\n")
            if piece:
                await self._connection.write(piece)


def too_large(max_body_bytes: int) -> EdgeRefused:
    """Return the refusal of a body; the rest of it is not read."""
    return EdgeRefused(413, "too_large", f"{max_body_bytes:,} bytes are the most", {"connection": "close"})


def _refusal(*failed: tuple[Backend, Exception]) -> EdgeRefused:
    """Return what the caller is told of backends that did not answer; which ones, and how, is for the record."""
    cause = "; ".join(_fault(backend, each) for backend, each in failed)
    _, error = failed[-1]
    if isinstance(error, TimeoutError) or (isinstance(error, ToolError) and error.failure.code == "upstream_timeout"):
        return EdgeRefused(504, "backend_timeout", "the backend of this route did not answer in time", cause=cause)
    return EdgeRefused(502, "backend_failed", "the backend of this route did not answer, or not with HTTP", cause=cause)


def _fault(backend: Backend, error: Exception) -> str:
    """Return which backend it was, by host and port, and what ended the exchange; nothing of what it sent."""
    if isinstance(error, ToolError):
        return reason_of(error.failure)
    if isinstance(error, TimeoutError):
        how = "did not answer in time"
    elif isinstance(error, ClosedUnanswered):
        how = "ended the connection without an answer"
    else:
        # The rest of a caller's body, say, that was too large when the answer had begun.
        how = f"was left: {error if isinstance(error, EdgeRefused) else type(error).__name__}"
    return f"{backend.authority.decode()} {how}"
