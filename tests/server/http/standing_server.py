"""HTTP servers that outlive the applications behind them, so that a test does not wait for one to start and stop."""

import threading

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.ports import free_port
from tests.server.live_server import START_TIMEOUT_S
from tests.waiting import until_here

_IDLE: list["StandingServer"] = []
nobody_home = PlainTextResponse("no test uses this server now\n", 503)


class StandingServer:
    """Answers on 127.0.0.1 with whatever `app` is at the moment. Ends with the test process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.app: ASGIApp = nobody_home
        server = uvicorn.Server(
            uvicorn.Config(self, host="127.0.0.1", port=self.port, log_level="warning", log_config=None, ws="none", lifespan="off")
        )
        threading.Thread(target=server.run, daemon=True).start()
        until_here(lambda: server.started, START_TIMEOUT_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def release(self) -> None:
        """Give the server back for the next test."""
        self.app = nobody_home
        _IDLE.append(self)


def standing_server() -> StandingServer:
    """Return an idle server, or start one."""
    return _IDLE.pop() if _IDLE else StandingServer()
