"""Package errors -> HTTP, JSON-RPC and tool answers: the only mapping.

Errors that a caller can act on keep their message. Everything else is logged with its trace id and leaves the process
as "internal error" with that id: a stack trace or an internal message may carry somebody's data.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.json_error import json_error
from server.observability.trace_context import carrier_of, trace_id_of
from server.storage.database import StoreUnavailable
from tools.errors import ToolError
from tools.operation import Outcome

logger = logging.getLogger(__name__)

ExceptionHandler = Callable[[Request, Exception], Awaitable[Response]]


def failure_outcome(error: ToolError) -> Outcome:
    """Return the outcome that tells a model why its call did not run."""
    return Outcome(status="error", error=error.failure)


def internal_error(error: Exception, trace_id: str) -> MCPError:
    """Log what went wrong and return what the client is told of it."""
    logger.error("internal_error", exc_info=error, extra={"facts": {"trace_id": trace_id, "kind": type(error).__name__}})
    return MCPError(INTERNAL_ERROR, "internal error", {"trace_id": trace_id})


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer a refused path, method or form field as JSON: a client that looks for metadata must never get HTML."""
    assert isinstance(error, HTTPException)
    return json_error(error.status_code, _code_of(error.status_code), error.detail.lower(), headers=error.headers)


async def answer_unknown_exception(request: Request, error: Exception) -> Response:
    """Answer a fault of ours."""
    trace_id = trace_id_of(carrier_of(None, request.headers))
    logger.error("internal_error", exc_info=error, extra={"facts": {"trace_id": trace_id, "path": request.scope["path"]}})
    return json_error(500, "server_error", "internal error", trace_id=trace_id)


async def answer_store_unavailable(request: Request, error: Exception) -> Response:
    """Answer what needs the store while it is away: once, and soon enough that whoever asks can try again."""
    logger.error("store_failed", exc_info=error, extra={"facts": {"path": request.scope["path"]}})
    headers = {"retry-after": "1", "cache-control": "no-store"}
    return json_error(503, "temporarily_unavailable", "the store does not answer; try again", headers=headers)


def exception_handlers(nowhere: Callable[[], Response] | None = None) -> dict[type[Exception] | int, ExceptionHandler]:
    """Return what Starlette calls for errors that no endpoint answered. `nowhere`: the page for people who mistyped an address."""

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if nowhere is not None and error.status_code == HTTPStatus.NOT_FOUND and _is_browsing(request):
            return nowhere()
        return await answer_http_exception(request, error)

    return {HTTPException: answer, StoreUnavailable: answer_store_unavailable, Exception: answer_unknown_exception}


def _is_browsing(request: Request) -> bool:
    # Only browsers that follow a link or an address typed in send this; metadata is asked for by `fetch` or by programs.
    return request.method == "GET" and request.headers.get("sec-fetch-mode") == "navigate"


def _code_of(status: int) -> str:
    try:
        return HTTPStatus(status).name.lower()
    except ValueError:
        return "error"
