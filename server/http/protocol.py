"""One connection: in time and within bounds, with answers in the order of their requests. Where those end is server/http/framing.py's."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from oauth.resources import spellings
from server.http.closing_answer import ClosingAnswer, UnaskedBody
from server.http.framing import FramedHttp

# RFC 9112 §9.5; a head that comes byte by byte holds a connection for nothing (slowloris)
HEAD_TIMEOUT_S = 20.0
#: how long a connection that was just used is kept when the server ends: what is on its way on it is answered, and told to be the last
LEAVING_S = 1.0
#: how long a client may leave more of an answer unread than the transport holds
UNREAD_TIMEOUT_S = 120.0


class StrictHttp(FramedHttp):
    """The connection as we serve it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        #: since when there is nothing to do, by the clock of the loop; None: a request is coming in or under way
        self._idle_since: float | None = None
        #: the request that is being answered, or was last; `cycle` is the one that was read last, which may wait behind it
        self._active: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._start_head_timer()
        if self.is_draining:
            self.shutdown()  # It was taken in the moment in which the server was told to end.

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        # uvicorn tells only the request that was read last.
        if (active := self._active) is not None and active is not self.cycle:
            active.disconnected = not active.response_complete
            active.message_event.set()
        super().connection_lost(exc)
        self._stop_unread_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def head_begun(self) -> None:
        self._idle_since = None
        self._start_head_timer()

    def head_ended(self) -> None:
        self._idle_since = None
        if self._head_timer is not None:
            self._stop_head_timer()

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, but without a timer for every response: one for each connection looks again when it has run out."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            self.read_on()
            return
        self._idle_since = self.loop.time()
        # decision 0018: one timer a connection, not one a response.
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, but never in the place of another answer: requests before it are answered first, and then it ends."""
        # RFC 9112 §2.2, §11.2: after bytes that cannot be read nobody knows where the next request begins.
        self.refuse()
        pipeline, cycle = self.pipeline, self.cycle
        if pipeline and pipeline[0][0] is cycle and cycle.more_body:
            pipeline.popleft()  # Its body is what cannot be read.
        last = pipeline[0][0] if pipeline else self._active
        if last is None or last.response_complete:
            super().send_400_response(msg)
        elif last is not cycle or not cycle.more_body:
            # RFC 9112 §9.3.2: answers that are owed go out first, in their order.
            last.keep_alive = False
            self._stop_head_timer()
        # RFC 9112 §8: a 400 in the middle would be read as a part of that answer.
        elif last.response_started:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """End the connection where it is idle. A request that comes in or is under way is answered, with `Connection: close`.

        A client cannot know that its connection is being closed while its request is on the way, and may not send a POST again.
        """
        # RFC 9112 §9.3.1, §9.5: asynchronous close.
        if self._idle_since is not None:
            self.loop.call_later(max(0.0, self._idle_since + LEAVING_S - self.loop.time()), self._leave)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        if self._idle_since is not None:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        # A client that never reads would keep its answer in memory for as long as it likes.
        self._unread_timer = self.loop.call_later(UNREAD_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread_timer()

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        if cycle.scope["http_version"] == "1.0":
            # RFC 9112 §6.1: no chunks for HTTP/1.0.
            app = ClosingAnswer(app, cycle)
        elif cycle.waiting_for_100_continue:
            # RFC 9110 §10.1.1.
            app = UnaskedBody(app, cycle)
        super()._start_asgi_task(cycle, app)

    def _unset_keepalive_if_required(self) -> None:
        """Go on counting: bytes that begin no request are nothing to do (uvicorn would stop for each of them)."""

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has had nothing to do for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._active is not None and not self._active.response_complete:
            self._start_head_timer()  # Nothing is read while a request waits behind the one under way.
        else:
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def strict_http(authority: str) -> type[StrictHttp]:
    """Return the protocol of a server that is served at `authority`, on loopback by each of the names that this machine has."""

    class Served(StrictHttp):
        pass

    here = f"http://{authority.lower()}"
    Served.authority = authority.lower().encode()
    # RFC 9112 §3.2.2: what a target in absolute form may name
    Served.authorities = frozenset(url.removeprefix("http://").encode() for url in (here, *spellings(here)))
    return Served
