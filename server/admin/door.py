"""The outer door of `/admin`: from where it may be opened at all (ASCEND_ADMIN_ALLOW), before anything else is looked at."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.networks import Networks
from server.proxy_headers import caller_address


class AdminDoor:
    """Lets callers of the operator's networks through to `app`; to everybody else there is nothing at all. No networks: all may come."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app, self._networks = app, Networks(allowed) if allowed else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._networks is None or caller_address(scope) in self._networks:
            await self.app(scope, receive, send)
            return
        await Response("not found\n", 404, {"cache-control": "no-store"}, "text/plain")(scope, receive, send)
