"""uvicorn as we run it: it ends when told to, and a server that has drained ends the process with 0."""

import asyncio
import signal
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from server.http.protocol import strict_http

#: how long requests under way may take to end after SIGTERM
DRAIN_S = 35
#: how long an unused connection is kept: longer than proxies keep theirs (60 s), which would else send into one that just closed
KEEP_ALIVE_S = 75


class HttpServer(uvicorn.Server):
    """Serves `app` at `authority` (host and port).

    Each of `signals` stops it; a second SIGINT does not wait for requests under way.
    """

    def __init__(self, app: ASGIApp, *, authority: str = "", signals: Collection[signal.Signals] = ()) -> None:
        self._protocol = strict_http(authority)
        super().__init__(
            uvicorn.Config(
                app,
                # decision 0024
                http=self._protocol,
                # RFC 9110 §7.8: no other protocol, so nothing to upgrade to
                ws="none",
                log_config=None,  # its lines go out in our format, redacted like ours
                log_level="warning",
                access_log=False,
                proxy_headers=False,  # server/app.py looks at them where they matter
                lifespan="off",
                # RFC 9110 §10.2.4: a version tells which hole to try
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        self._signals = signals
        self._ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def until_ready(self) -> None:
        """Wait until requests are answered."""
        await self._ready.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals ourselves: uvicorn would raise them again after the drain, and the process would not exit 0."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self.stop, number)
        try:
            yield
        finally:
            for number in self._signals:
                loop.remove_signal_handler(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, as the signal would."""
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._protocol.is_draining = True
        await super().shutdown(sockets)
