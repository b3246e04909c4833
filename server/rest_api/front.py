"""Sends what is for an operation with a URL straight there, before the front of the models sees a path under `/v1/`."""

from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.error_responses import answer_unknown_exception
from server.rest_api.routes import is_rest_path


class RestFront:
    """URLs of operations go to `operations`, everything else to `rest`. It decides on the path of the request line."""

    def __init__(self, operations: ASGIApp, rest: ASGIApp) -> None:
        self._operations, self._rest = operations, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_rest_path(scope["path"]):
            await self._rest(scope, receive, send)
            return
        try:
            await self._operations(scope, receive, send)
        except Exception as error:
            response = await answer_unknown_exception(Request(scope), error)
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                await response(scope, receive, send)
