"""Sends what is for the AI gateway straight there, as server/mcp/front.py does for MCP."""

from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.error_responses import answer_unknown_exception
from server.model_api.paths import is_model_path


class ModelFront:
    """`/v1/…` goes to `models`, everything else to `rest`."""

    def __init__(self, models: ASGIApp, rest: ASGIApp) -> None:
        self._models, self._rest = models, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_model_path(scope["path"]):
            await self._rest(scope, receive, send)
            return
        try:
            await self._models(scope, receive, send)
        except Exception as error:
            response = await answer_unknown_exception(Request(scope), error)
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                await response(scope, receive, send)
