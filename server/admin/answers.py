"""Answers of the administration's API: rows by the page, things, refusals (operations contract, "API")."""

import logging
from collections.abc import Mapping, Sequence

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.admin.refusals import AdminRefused
from server.observability.trace_context import carrier_of, trace_id_of
from server.storage.database import StoreUnavailable
from server.storage.read_limit import ReadTooLong
from tools.ai_gateway.configuration.changes import NoSuchThing, ThingExists
from tools.errors import Busy
from tools.operation import Json
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import VersionConflict

logger = logging.getLogger(__name__)

#: what an administrator reads is nobody else's, least of all a cache's
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def thing(value: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return one thing as JSON."""
    return Response(orjson.dumps(value), status, {**_HEADERS, **(headers or {})}, "application/json")


def picture(svg: str) -> Response:
    """Return an SVG document that may load and run nothing, should a browser open it by itself."""
    return Response(svg, 200, {**_HEADERS, "content-security-policy": "default-src 'none'"}, "image/svg+xml")


def nothing() -> Response:
    """Return the answer to a deletion."""
    return Response(status_code=204, headers=_HEADERS)


def page(rows: Sequence[Json], next_cursor: str | None, **more: Json) -> Response:
    """Return a page of a list; `next_cursor` None: the last one."""
    return thing({"items": list(rows), "next_cursor": next_cursor, **more})


def refusal_of(request: Request, error: Exception) -> Response:
    """Return what is told of an error, as JSON."""
    refused, trace_id = refused_for(request, error)
    said: dict[str, Json] = {"code": refused.code, "message": refused.message, "hint": refused.hint or None}
    if refused.faults:
        said["faults"] = [dict(fault) for fault in refused.faults]
    return thing({"error": said, "trace_id": trace_id}, refused.status, refused.headers)


def refused_for(request: Request, error: Exception) -> tuple[AdminRefused, str]:
    """Return what is told of an error and its trace id: its own words where one can act on them, else only that it is ours."""
    trace_id = trace_id_of(carrier_of(None, request.headers))
    refused = _refused(error)
    if refused is None:
        logger.error("internal_error", exc_info=error, extra={"facts": {"trace_id": trace_id, "path": request.scope["path"]}})
        refused = AdminRefused(500, "server_error", "internal error", "the log has the reason under this trace id")
    return refused, trace_id


def _refused(error: Exception) -> AdminRefused | None:
    match error:
        case AdminRefused():
            return error
        case ConfigInvalid():
            faults = [{"place": fault.place, "message": fault.message} for fault in error.faults]
            count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
            return AdminRefused(422, "config_invalid", f"{count}, nothing was changed", "mend every fault and send it again", faults=faults)
        case ThingExists():
            return AdminRefused(409, "exists", str(error), "take another id, or delete that one first")
        case NoSuchThing():
            return AdminRefused(404, "not_found", str(error))
        case VersionConflict():
            hint = f'read it, then send If-Match: "{error.newest}"'
            return AdminRefused(412, "version_conflict", f"version {error.newest} is in force by now", hint)
        case StoreUnavailable():
            logger.error("store_failed", exc_info=error)
            return AdminRefused(503, "store_unavailable", "the store does not answer", "try again", headers={"retry-after": "1"})
        case ReadTooLong():
            hint = "ask for a shorter span, or narrow it by tenant or another filter"
            return AdminRefused(503, "too_slow", "reading this took more than two seconds and was ended", hint)
        case Busy():
            return AdminRefused(503, "busy", "too many exports are under way", "try again in a moment", headers={"retry-after": "2"})
        case TimeoutError():
            return AdminRefused(408, "request_timeout", "the body did not come in time", "send it again")
        case HTTPException(status_code=405):
            return AdminRefused(405, "method_not_allowed", "this address does not take this method", headers=error.headers)
        case HTTPException():
            return AdminRefused(error.status_code, "not_found" if error.status_code == 404 else "refused", str(error.detail))
    return None
