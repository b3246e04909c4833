"""Sends what is for the context plane straight there, before the front of the models sees a path under `/v1/`."""

from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.context_api.routes import is_context_path
from server.error_responses import answer_unknown_exception


class ContextFront:
    """`/v1/context/…` and `/v1/rag/…` go to `context`, everything else to `rest`. It decides on the path of the request line."""

    def __init__(self, context: ASGIApp, rest: ASGIApp) -> None:
        self._context, self._rest = context, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_context_path(scope["path"]):
            await self._rest(scope, receive, send)
            return
        try:
            await self._context(scope, receive, send)
        except Exception as error:
            response = await answer_unknown_exception(Request(scope), error)
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                await response(scope, receive, send)
